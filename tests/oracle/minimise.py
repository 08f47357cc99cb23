"""Fewer rows that still show a difference: rows are dropped while oracle and server disagree."""

import random
import time

import grpc

from client import Project
from evaluator import evaluate

SECONDS_MAX = 20


class Minimiser:
    """Tries subsets in fresh projects; `sealed` also takes a snapshot before the query."""

    def __init__(self, client, world, query, prefix, sealed):
        self.client = client
        self.world = world
        self.query = query
        self.prefix = prefix
        self.sealed = sealed
        self.tries = 0
        self.end = time.monotonic() + SECONDS_MAX

    def differs(self, rows):
        """The differences over these rows alone; empty also where they cannot be asked."""
        self.tries += 1
        project = Project(self.client, f"{self.prefix}-{self.tries}", self.world)
        try:
            project.define()
            if rows:
                project.ingest(rows, random.Random(1))
            if self.sealed:
                self.client.snapshot()
            return project.faults + project.differ(self.query, evaluate(self.query, project.data))
        except (grpc.RpcError, KeyError):
            self.client.server.check_alive()
            return []

    def run(self, rows):
        """The smallest list found; None: the whole list does not differ in a fresh project."""
        if not self.differs(rows):
            return None
        size = max(len(rows) // 2, 1)
        while time.monotonic() < self.end:
            at, dropped = 0, False
            while at < len(rows) and time.monotonic() < self.end:
                fewer = rows[:at] + rows[at + size :]
                if self.differs(fewer):
                    rows, dropped = fewer, True
                else:
                    at += size
            if size == 1 and not dropped:
                break
            size = max(size // 2, 1)
        return rows


def minimise(client, world, query, rows, prefix):
    """(what was tried, rows): first in the head alone, then after a snapshot."""
    for sealed in (False, True):
        found = Minimiser(client, world, query, f"{prefix}-{int(sealed)}", sealed).run(list(rows))
        if found is not None:
            return ("after a snapshot" if sealed else "in the head"), found
    return None, rows
