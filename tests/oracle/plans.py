"""Ways of running a query: whatever is forced, the answer is the oracle's, or the hint is refused."""

import grpc
from google.rpc import error_details_pb2, status_pb2

from recount.v1 import scope_pb2

PATHS = {
    "bitmap": scope_pb2.ACCESS_PATH_BITMAP,
    "postings": scope_pb2.ACCESS_PATH_POSTINGS,
    "scan": scope_pb2.ACCESS_PATH_SCAN,
    "scan once": scope_pb2.ACCESS_PATH_SCAN_ONCE,
    "ruled out": scope_pb2.ACCESS_PATH_RULED_OUT,
}
INDEXES = [scope_pb2.ACCESS_PATH_BITMAP, scope_pb2.ACCESS_PATH_POSTINGS]
WAYS = {
    **{"force " + name: {"access_path": path} for name, path in PATHS.items()},
    **{"forbid " + name: {"forbidden_access_paths": [path]} for name, path in PATHS.items()},
    "no index": {"forbidden_access_paths": INDEXES},
    "keep": {"cache": scope_pb2.CACHE_HINT_KEEP},
    "keep nothing": {"cache": scope_pb2.CACHE_HINT_KEEP_NOTHING},
    "one thread": {"parallel": 1},
    "two threads": {"parallel": 2},
    "events": {"feed": scope_pb2.FEED_HINT_EVENTS},
    "rows": {"feed": scope_pb2.FEED_HINT_ROWS},
    "explained": {"explain": True},
}
STUBS = ("queries", "segments", "definitions", "properties")
# What is possible in every slab for every selector.
ALWAYS = {"force scan", "force scan once"}
MAY_BE_REFUSED = {name for name in WAYS if name.startswith("force ")} - ALWAYS | {
    "rows",
    # Where there are fewer processors than that.
    "two threads",
}


class Hinted:
    """A stub whose requests carry hints."""

    def __init__(self, stub, hints):
        self.stub = stub
        self.hints = hints

    def __getattr__(self, method):
        def call(request, **keywords):
            names = request.DESCRIPTOR.fields_by_name
            if "scope" in names:
                request.scope.hints.CopyFrom(self.hints)
            elif "hints" in names:
                request.hints.CopyFrom(self.hints)
            return getattr(self.stub, method)(request, **keywords)

        return call


def fields_of(error):
    """The fields that a refused call names."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            for detail in status.details:
                bad = error_details_pb2.BadRequest()
                if detail.Unpack(bad):
                    return [one.field for one in bad.field_violations]
    return []


def run(project, query, way):
    """The answer in this way, or None: the hint was refused, by its own field."""
    client = project.client
    hints = scope_pb2.QueryHints(**WAYS[way])
    stubs = {name: getattr(client, name) for name in STUBS}
    for name, stub in stubs.items():
        setattr(client, name, Hinted(stub, hints))
    try:
        return project.ask(query)
    except grpc.RpcError as error:
        fields = fields_of(error)
        refused = (
            error.code() == grpc.StatusCode.INVALID_ARGUMENT
            and way in MAY_BE_REFUSED
            and any("hints." in field for field in fields)
        )
        if not refused:
            raise
        return None
    finally:
        for name, stub in stubs.items():
            setattr(client, name, stub)
