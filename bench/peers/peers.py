"""The systems of the comparison: how each is loaded, asked and weighed.

Every peer gets the archive as it is (NDJSON) and two threads, and is ready when nothing is left to merge,
sort or analyse. A variant is a table of a system that is asked on its own.
"""

import glob
import os
import shutil
import subprocess
import time

import sql
import sql_clickhouse
import sql_duckdb
import sql_postgres

TEXTS = ["type", "url", "path", "title", "browser", "browser_version", "os", "device", "screen", "city", "country", "language",
         "timezone", "experiment", "referrer", "target_text", "target_tag", "element_chain", "utm_source", "utm_medium",
         "utm_campaign"]
NARROW = [name for name in TEXTS if name not in ("url", "title", "referrer", "element_chain", "target_text", "path")]
NUMBERS = {"depth": "int", "session": "int", "price": "float", "logged_in": "bool"}


def timed(function):
    begun = time.perf_counter()
    result = function()
    return time.perf_counter() - begun, result


def folder_bytes(path):
    return sum(os.path.getsize(f) for f in glob.glob(f"{path}/**", recursive=True) if os.path.isfile(f))


class ClickHouse:
    """ClickHouse inside this process (chDB): MergeTree in two orders, and the Memory engine."""

    variants = {"ClickHouse MergeTree by user": "by_user", "ClickHouse MergeTree by time": "by_time",
                "ClickHouse Memory": "in_memory"}

    def __init__(self, options):
        self.options, self.path = options, f"{options.work}/clickhouse"
        self.session = None

    def open(self):
        from chdb import session
        shutil.rmtree(self.path, ignore_errors=True)
        self.session = session.Session(self.path)
        self.run("SET max_threads = 2")

    def run(self, statement, form="TabSeparated"):
        return self.session.query(statement, form).bytes().decode()

    def version(self):
        return "ClickHouse " + self.run("SELECT version()").strip()

    def columns(self):
        kinds = {"int": "Int64", "float": "Nullable(Float64)", "bool": "Bool"}
        return [(name, "LowCardinality(String)" if name in NARROW + ["path", "element_chain", "target_text"] else "String")
                for name in TEXTS] + [(name, kinds[kind]) for name, kind in NUMBERS.items()]

    def load(self):
        columns = self.columns()
        spelled = ", ".join(f"{name} {kind}" for name, kind in columns)
        head = "user UInt64, time UInt64 CODEC(Delta, ZSTD(1)), id UInt64"
        for variant, order in (("by_user", "user, time, id"), ("by_time", "time, user, id")):
            self.run(f"CREATE TABLE {variant} ({head}, {spelled}) ENGINE = MergeTree ORDER BY ({order})")
        self.run("CREATE TABLE users (user UInt64, plan LowCardinality(String)) ENGINE = MergeTree ORDER BY user")
        names = ", ".join(f"properties.{name}" for name, _ in columns)
        source = (f"SELECT user, time, id, {names} FROM file('{self.options.archive}', JSONEachRow, "
                  f"'user UInt64, time UInt64, id UInt64, properties Tuple({spelled})') WHERE id != 0 "
                  "SETTINGS input_format_skip_unknown_fields = 1, input_format_json_defaults_for_missing_elements_in_named_tuple = 1")
        people = (f"INSERT INTO users SELECT user, argMax(set.plan, time) FROM file('{self.options.users}', JSONEachRow, "
                  "'user UInt64, time UInt64, set Tuple(plan String)') WHERE set.plan != '' GROUP BY user "
                  "SETTINGS input_format_skip_unknown_fields = 1")
        inserted, _ = timed(lambda: (self.run(f"INSERT INTO by_user {source}"), self.run(people)))
        merged, _ = timed(lambda: self.run("OPTIMIZE TABLE by_user FINAL"))
        self.run("INSERT INTO by_time SELECT * FROM by_user")
        self.run("OPTIMIZE TABLE by_time FINAL")
        self.run("CREATE TABLE in_memory ENGINE = Memory AS SELECT * FROM by_user ORDER BY user, time, id")
        return {"ClickHouse MergeTree by user": {"insert_seconds": inserted, "ready_seconds": inserted + merged}}

    def bytes(self):
        rows = self.run("SELECT name, total_bytes FROM system.tables WHERE name IN ('by_user', 'by_time', 'in_memory')")
        sizes = dict(line.split("\t") for line in rows.splitlines())
        return {title: int(sizes[table]) for title, table in self.variants.items()}

    def ask(self, variant, key):
        statement = sql_clickhouse.STATEMENTS[key].replace("{t}", self.variants[variant])
        seconds, answer = timed(lambda: self.run(statement))
        rows = [[None if cell == "\\N" else cell for cell in line.split("\t")] for line in answer.splitlines()]
        return seconds, sql.ANSWERS[key]([self.typed(row) for row in rows])

    @staticmethod
    def typed(row):
        return [int(cell) if cell is not None and cell.isdigit() else cell for cell in row]

    def close(self):
        if self.session is not None:
            self.session.close()


class DuckDB:
    """DuckDB inside this process: as one would load it, and tuned (sorted by user and time, ENUMs for what repeats)."""

    variants = {"DuckDB plain": "plain", "DuckDB tuned": "tuned"}

    def __init__(self, options):
        self.options, self.connection = options, None

    def open(self):
        import duckdb
        path = f"{self.options.work}/duck.db"
        for old in glob.glob(f"{path}*"):
            os.remove(old)
        self.connection = duckdb.connect(path, config={"threads": 2})

    def run(self, statement):
        return self.connection.execute(statement).fetchall()

    def version(self):
        return "DuckDB " + self.run("SELECT version()")[0][0]

    def load(self):
        kinds = {"int": "BIGINT", "float": "DOUBLE", "bool": "BOOLEAN"}
        fields = ", ".join([f"{name} VARCHAR" for name in TEXTS] + [f"{name} {kinds[kind]}" for name, kind in NUMBERS.items()])
        source = (f"SELECT \"user\", time, id, unnest(properties) FROM read_ndjson('{self.options.archive}', columns = "
                  f"{{'user': 'UBIGINT', 'time': 'BIGINT', 'id': 'UBIGINT', 'properties': 'STRUCT({fields})'}}) WHERE id IS NOT NULL")
        plain, _ = timed(lambda: (self.run(f"CREATE TABLE plain AS {source}"), self.run("CHECKPOINT")))
        self.run(f"CREATE TABLE users AS SELECT \"user\", arg_max(\"set\".plan, time) AS plan FROM read_ndjson('{self.options.users}', "
                 "columns = {'user': 'UBIGINT', 'time': 'BIGINT', 'set': 'STRUCT(plan VARCHAR)'}) WHERE \"set\".plan IS NOT NULL GROUP BY \"user\"")
        sizes = {"DuckDB plain": self.stored("plain")}
        for name in NARROW:
            self.run(f"CREATE TYPE {name}_enum AS ENUM (SELECT DISTINCT {name} FROM plain WHERE {name} IS NOT NULL)")
        wanted = ", ".join(f"{name}::{name}_enum AS {name}" for name in NARROW)
        tuned, _ = timed(lambda: (self.run(f"CREATE TABLE tuned AS SELECT * REPLACE ({wanted}) FROM plain ORDER BY \"user\", time"),
                                  self.run("CHECKPOINT")))
        sizes["DuckDB tuned"] = self.stored("tuned")
        self.sizes = sizes
        return {"DuckDB plain": {"ready_seconds": plain}, "DuckDB tuned": {"ready_seconds": plain + tuned}}

    def stored(self, table):
        rows = self.run(f"SELECT count(DISTINCT block_id) FROM pragma_storage_info('{table}') WHERE persistent AND block_id >= 0")
        return rows[0][0] * 262144

    def bytes(self):
        return self.sizes

    def ask(self, variant, key):
        statements = sql_duckdb.PLAIN if variant == "DuckDB plain" else sql_duckdb.TUNED
        seconds, rows = timed(lambda: self.run(statements[key].replace("{t}", self.variants[variant])))
        return seconds, sql.ANSWERS[key](rows)

    def close(self):
        if self.connection is not None:
            self.connection.close()


class PostgreSQL:
    """PostgreSQL of Debian: one JSONB column, partial indexes made beforehand."""

    variants = {"PostgreSQL partial indexes": "events"}
    SETTINGS = {"shared_buffers": "6GB", "work_mem": "512MB", "maintenance_work_mem": "1GB", "max_wal_size": "8GB",
                "max_parallel_workers_per_gather": "2", "max_parallel_maintenance_workers": "2", "jit": "off",
                "effective_cache_size": "12GB", "random_page_cost": "1.1", "listen_addresses": "", "fsync": "on"}

    def __init__(self, options):
        self.options, self.path = options, f"{options.work}/postgres"
        self.socket, self.connection = f"{options.work}/postgres-socket", None
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]

    def as_user(self, *words, **more):
        prefix = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        return subprocess.run([*prefix, *words], check=True, stdin=subprocess.DEVNULL, **more)

    def open(self):
        import psycopg2
        shutil.rmtree(self.path, ignore_errors=True)
        for folder in (self.path, self.socket):
            os.makedirs(folder, exist_ok=True)
            if os.getuid() == 0:
                shutil.chown(folder, "postgres", "postgres")
        self.as_user(f"{self.programs}/initdb", "-D", self.path, "--locale=C", "-E", "UTF8", stdout=subprocess.DEVNULL)
        with open(f"{self.path}/postgresql.conf", "a") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in self.SETTINGS.items())
            conf.write(f"unix_socket_directories = '{self.socket}'\n")
        self.as_user(f"{self.programs}/pg_ctl", "-D", self.path, "-w", "-l", f"{self.path}/log", "start", stdout=subprocess.DEVNULL)
        self.connection = psycopg2.connect(host=self.socket, user="postgres", dbname="postgres")
        self.connection.autocommit = True

    def run(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def version(self):
        return self.run("SHOW server_version")[0][0].join(["PostgreSQL ", ""]).split(" (")[0]

    def copy(self, table, columns, expression):
        """COPY of what sed makes of the archive's lines: tabs between the columns, backslashes doubled."""
        reader = subprocess.Popen(["sed", "-nE", r"s/\\/\\\\/g;" + expression, self.options.archive if table == "events"
                                   else self.options.users], stdout=subprocess.PIPE,
                                  env={**os.environ, "LC_ALL": "C"})  # Bytes: in UTF-8 it takes ten times as long.
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", reader.stdout, 1 << 20)
        if reader.wait() != 0:
            raise RuntimeError("sed failed")

    def load(self):
        self.run("CREATE TABLE events (user_id int8 NOT NULL, time int8 NOT NULL, id int8 NOT NULL, data jsonb NOT NULL)")
        self.run("CREATE TABLE properties (user_id int8, time int8, data jsonb)")
        line = r's/^\{"user":([0-9]+),"time":([0-9]+),"id":([0-9]+),"properties":(.*)\}$/\1\t\2\t\3\t\4/p'
        properties = r's/^\{"user":([0-9]+),"time":([0-9]+),"set":(.*)\}$/\1\t\2\t\3/p'
        copied, _ = timed(lambda: self.copy("events", "user_id, time, id, data", line))
        self.copy("properties", "user_id, time, data", properties)
        self.run("CREATE TABLE users AS SELECT DISTINCT ON (user_id) user_id, data->>'plan' AS plan FROM properties "
                 "WHERE data ? 'plan' ORDER BY user_id, time DESC")
        vacuumed, _ = timed(lambda: self.run("VACUUM ANALYZE"))
        self.heap = self.run("SELECT pg_table_size('events')")[0][0]
        indexed, _ = timed(lambda: [self.run(f"CREATE INDEX ON events {one}") for one in sql_postgres.INDEXES])
        self.run("VACUUM ANALYZE")
        return {"PostgreSQL partial indexes": {"insert_seconds": copied, "ready_seconds": copied + vacuumed,
                                               "index_seconds": indexed}}

    def bytes(self):
        return {"PostgreSQL partial indexes": self.heap}

    def ask(self, variant, key):
        seconds, rows = timed(lambda: self.run(sql_postgres.STATEMENTS[key].replace("{t}", self.variants[variant])))
        return seconds, sql.ANSWERS[key](rows)

    def close(self):
        if self.connection is not None:
            self.connection.close()
        if os.path.exists(f"{self.path}/postmaster.pid"):
            self.as_user(f"{self.programs}/pg_ctl", "-D", self.path, "-m", "fast", "-w", "stop", stdout=subprocess.DEVNULL)
