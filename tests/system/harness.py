"""What the test scripts here share: arguments, the path of the contract's modules, totals, error
details.
"""

import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))


def options(description, *more):
    """The usual arguments; also puts the contract's modules and the helpers on the path."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--server", default=os.environ.get("RECOUNTD"), help="path of recountd")
    parser.add_argument(
        "--python",
        default=os.environ.get("RECOUNT_PYTHON"),
        help="folder of the contract's modules",
    )
    for flags, keywords in more:
        parser.add_argument(*flags, **keywords)
    chosen = parser.parse_args()
    sys.path.insert(0, HERE)
    if chosen.python:
        sys.path.insert(0, chosen.python)
    return chosen


def run_unittests(module):
    """Runs the module's tests and prints the totals line. The exit status: 0, 1, or 77 if all were
    skipped.
    """
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    skipped = len(result.skipped)
    passed = max(result.testsRun - failed - skipped, 0)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 77 if skipped and not passed else 0


class Details:
    """The google.rpc details of a failed call."""

    def __init__(self, error):
        from google.rpc import error_details_pb2, status_pb2

        self.code = error.code().name
        self.message = error.details()
        self.status = status_pb2.Status()
        self.fields, self.reason, self.domain, self.retry, self.resource = [], "", "", None, ""
        for key, value in error.trailing_metadata() or ():
            if key == "grpc-status-details-bin":
                self.status.ParseFromString(value)
        for detail in self.status.details:
            kind = detail.type_url.rsplit(".", 1)[-1]
            message = getattr(error_details_pb2, kind)()
            message.ParseFromString(detail.value)
            if kind == "BadRequest":
                self.fields += [one.field for one in message.field_violations]
            elif kind == "ErrorInfo":
                self.reason, self.domain = message.reason, message.domain
            elif kind == "RetryInfo":
                self.retry = message.retry_delay.seconds + message.retry_delay.nanos / 1e9
            elif kind == "ResourceInfo":
                self.resource = message.resource_name

    def __str__(self):
        return (
            f"{self.code} {self.reason} fields={self.fields} resource={self.resource!r}: "
            f"{self.message}"
        )
