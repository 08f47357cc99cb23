"""Rows as the messages of recount.v1: NDJSON lines or columns.

Rows are the dicts of tests/oracle/data.py. Within each kind of row the order of arrival is kept;
between kinds it never matters, since events, property writes and aliases do not override each
other.
"""

import json
import struct

from recount.v1 import ingest_pb2


def json_row(row):
    if row["kind"] == "alias":
        return {"alias": [row["left"], row["right"]]}
    if row["kind"] == "set":
        return {"user": row["user"], "time": row["time"], "set": row["set"]}
    if row["kind"] == "account":
        return {
            "account_key": row["key"],
            "account": row["account"],
            "time": row["time"],
            "set": row["set"],
        }
    out = {"user": row["user"], "time": row["time"], "properties": row["properties"]}
    if row["id"]:
        out["id"] = row["id"]
    return out


def ndjson(rows, ascii_only=False, vary=lambda row: row):
    """An NdjsonBatch; ascii_only writes every other character as \\u escapes; vary rewrites the
    objects.
    """
    lines = [json.dumps(vary(json_row(row)), ensure_ascii=ascii_only) for row in rows]
    return ingest_pb2.NdjsonBatch(lines=("\n".join(lines) + "\n").encode())


def string_table(texts):
    """A StringTable of str or bytes."""
    raw = [text if isinstance(text, bytes) else text.encode() for text in texts]
    ends, end = [], 0
    for text in raw:
        end += len(text)
        ends.append(end)
    return ingest_pb2.StringTable(text=b"".join(raw), ends=struct.pack(f"<{len(ends)}I", *ends))


class Column:
    """One property while its rows are collected."""

    def __init__(self, name):
        self.name = name
        self.texts, self.ints, self.doubles, self.lists = {}, {}, {}, {}
        self.cells = {}

    def add(self, row, value):
        if isinstance(value, (list, tuple)):
            for text in value:
                self.texts.setdefault(text, len(self.texts))
            value = tuple(value)
            self.lists.setdefault(value, len(self.lists))
        elif isinstance(value, str):
            self.texts.setdefault(value, len(self.texts))
        elif isinstance(value, float):
            self.doubles.setdefault(value, len(self.doubles))
        elif value is not None and not isinstance(value, bool):
            self.ints.setdefault(value, len(self.ints))
        self.cells[row] = value

    def code(self, value):
        ints, doubles = 4 + len(self.texts), 4 + len(self.texts) + len(self.ints)
        if value is None:
            return 1
        if isinstance(value, bool):
            return 3 if value else 2
        if isinstance(value, str):
            return 4 + self.texts[value]
        if isinstance(value, tuple):
            return doubles + len(self.doubles) + self.lists[value]
        return (
            doubles + self.doubles[value] if isinstance(value, float) else ints + self.ints[value]
        )

    def message(self, row_count, sparse):
        out = ingest_pb2.PropertyColumn(name=self.name, strings=string_table(self.texts))
        out.ints = struct.pack(f"<{len(self.ints)}q", *self.ints)
        out.doubles = struct.pack(f"<{len(self.doubles)}d", *self.doubles)
        if self.lists:
            places, ends = [], []
            for one in self.lists:
                places += [self.texts[text] for text in one]
                ends.append(len(places))
            out.lists.elements = struct.pack(f"<{len(places)}I", *places)
            out.lists.ends = struct.pack(f"<{len(ends)}I", *ends)
        rows = sorted(self.cells) if sparse else range(row_count)
        codes = [self.code(self.cells[row]) if row in self.cells else 0 for row in rows]
        width = 1 if max(codes, default=0) < 256 else 2 if max(codes) < 65536 else 4
        out.code_width = width
        out.codes = struct.pack(f"<{len(codes)}{'BHxI'[width - 1]}", *codes)
        if sparse:
            out.rows = struct.pack(f"<{len(rows)}I", *rows)
        return out


def fill_table(table, rows, properties_of, sparse):
    users = {}
    for row in rows:
        users.setdefault(row["user"], len(users))
    table.users.CopyFrom(string_table(users))
    table.user_codes = struct.pack(f"<{len(rows)}I", *(users[row["user"]] for row in rows))
    fill_columns(table, rows, properties_of, sparse)


def fill_accounts(table, rows, sparse):
    accounts = {}
    for row in rows:
        accounts.setdefault((row["key"], row["account"]), len(accounts))
    table.row_count = len(rows)
    table.accounts.CopyFrom(string_table(account for _, account in accounts))
    table.account_keys.CopyFrom(string_table(key for key, _ in accounts))
    codes = [accounts[row["key"], row["account"]] for row in rows]
    table.account_codes = struct.pack(f"<{len(rows)}I", *codes)
    fill_columns(table, rows, lambda row: row["set"], sparse)


def fill_columns(table, rows, properties_of, sparse):
    table.times_ms = struct.pack(f"<{len(rows)}q", *(row["time"] for row in rows))
    columns = {}
    for index, row in enumerate(rows):
        for name, value in properties_of(row).items():
            columns.setdefault(name, Column(name)).add(index, value)
    for column in columns.values():
        table.properties.append(column.message(len(rows), sparse))


def is_integer_id(text):
    return text.isdecimal() and text.isascii() and str(int(text)) == text and int(text) < 2**64


def columnar(rows, sparse=False):
    """A ColumnarBatch."""
    batch = ingest_pb2.ColumnarBatch()
    events = [row for row in rows if row["kind"] == "event"]
    sets = [row for row in rows if row["kind"] == "set"]
    aliases = [row for row in rows if row["kind"] == "alias"]
    if events:
        batch.events.event_count = len(events)
        fill_table(batch.events, events, lambda row: row["properties"], sparse)
        ids = [row["id"] for row in events]
        if all(is_integer_id(text) for text in ids):
            batch.events.int_ids = struct.pack(f"<{len(ids)}Q", *map(int, ids))
        elif any(ids):
            batch.events.text_ids.CopyFrom(string_table(ids))
    if sets:
        batch.user_properties.row_count = len(sets)
        fill_table(batch.user_properties, sets, lambda row: row["set"], sparse)
    accounts = [row for row in rows if row["kind"] == "account"]
    if accounts:
        fill_accounts(batch.account_properties, accounts, sparse)
    if aliases:
        batch.aliases.left.CopyFrom(string_table(row["left"] for row in aliases))
        batch.aliases.right.CopyFrom(string_table(row["right"] for row in aliases))
    return batch
