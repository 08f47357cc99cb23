"""A client stream of IngestService: numbered batches out, acknowledgements in."""

import queue
import threading

import grpc

from recount.v1 import ingest_pb2, ingest_pb2_grpc

END = object()


class Stream:
    """One Ingest call. send() never waits; acknowledgements arrive in `acks` in order.

    Used as a context manager, leaving it closes the sending side and waits for the call's end.
    """

    def __init__(self, channel, project, client_stream, on_ack=None):
        self.outgoing = queue.Queue()
        self.acks = []
        self.opened = None
        self.error = None
        self.on_ack = on_ack
        self.changed = threading.Condition()
        self.call = ingest_pb2_grpc.IngestServiceStub(channel).Ingest(iter(self.outgoing.get, END))
        self.outgoing.put(ingest_pb2.IngestRequest(project=project, client_stream=client_stream))
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            self.call.cancel()
        self.finish()

    def read(self):
        try:
            for reply in self.call:
                with self.changed:
                    if reply.WhichOneof("kind") == "opened":
                        self.opened = reply.opened
                    elif reply.WhichOneof("kind") == "ack":
                        self.acks.append(reply.ack)
                        if self.on_ack is not None:
                            self.on_ack(reply.ack)
                    self.changed.notify_all()
        except grpc.RpcError as error:
            self.error = error
        with self.changed:
            self.changed.notify_all()

    def send(self, batch_id, batch):
        request = ingest_pb2.IngestRequest(batch_id=batch_id)
        if isinstance(batch, ingest_pb2.NdjsonBatch):
            request.ndjson.CopyFrom(batch)
        else:
            request.columnar.CopyFrom(batch)
        self.outgoing.put(request)

    def wait_opened(self, seconds=30):
        self.wait(lambda: self.opened is not None, seconds)
        return self.opened.last_batch_id

    def wait_acks(self, count, seconds=60):
        self.wait(lambda: len(self.acks) >= count, seconds)
        return self.acks[:count]

    def wait(self, condition, seconds):
        with self.changed:
            self.changed.wait_for(
                lambda: condition() or not self.reader.is_alive() or self.error, seconds
            )
            if condition():
                return
        raise self.error or TimeoutError("the server did not answer in time")

    def finish(self, seconds=60):
        """Half-closes and waits for the end of the call; an error of the call stays in `error`."""
        self.outgoing.put(END)
        self.reader.join(seconds)


def ingest_all(channel, project, client_stream, batches, first_id=1):
    """Sends all batches and returns all acknowledgements; raises the call's error."""
    with Stream(channel, project, client_stream) as stream:
        for number, batch in enumerate(batches, first_id):
            stream.send(number, batch)
        stream.wait_acks(len(batches))
    if stream.error is not None:
        raise stream.error
    return stream.acks
