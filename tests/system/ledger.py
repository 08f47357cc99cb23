"""The client's own book about one stream: what was sent, what was acknowledged, what must therefore
be there.

A batch is sent, then perhaps acknowledged. After a crash the server says up to which batch it has
the stream (H). The book demands: nothing acknowledged is above H; all of every batch up to H is
there exactly once; nothing of any batch above H is.
"""


class Broken(Exception):
    """The server broke a promise."""


class Ledger:
    def __init__(self, stream, users):
        self.stream = stream
        self.users = users
        self.pending = {}  # {batch id: rows} that were sent and not settled yet, ascending.
        self.acked = 0  # The highest acknowledged batch.
        self.acked_batches = 0
        self.next_id = 1
        self.state = {user: {} for user in users}  # user -> {event id: (time, properties)}
        self.without_id = {user: [] for user in users}  # user -> [(time, properties)]
        self.properties = {user: {} for user in users}  # user -> {name: value}
        self.sent_keys = (
            []
        )  # (user, event id) of all batches that may stand, for sending them again.

    def plan(self, rows):
        """Notes a batch that is about to be sent; returns its number."""
        number = self.next_id
        self.next_id += 1
        self.pending[number] = rows
        return number

    def acknowledge(self, ack):
        """An acknowledgement came; called in the order in which they come."""
        if ack.batch_id <= self.acked:
            raise Broken(f"{self.stream}: batch {ack.batch_id} was acknowledged after {self.acked}")
        rows = self.pending.get(ack.batch_id)
        if rows is None:
            raise Broken(f"{self.stream}: batch {ack.batch_id} was acknowledged and never sent")
        if ack.duplicate or ack.rejected_count or ack.accepted != len(rows):
            raise Broken(f"{self.stream}: batch {ack.batch_id} of {len(rows)} rows: {ack}")
        self.acked = ack.batch_id
        self.acked_batches += 1

    def settle(self, last_batch_id):
        """The server has the stream up to last_batch_id: applies those batches, forgets the others.

        Returns how many batches were there without an acknowledgement, and how many were not there.
        """
        if last_batch_id < self.acked:
            raise Broken(
                f"{self.stream}: batch {self.acked} was acknowledged, "
                f"the server has {last_batch_id}"
            )
        silent = lost = 0
        for number, rows in self.pending.items():
            if number <= last_batch_id:
                silent += number > self.acked
                for row in rows:
                    self.apply(row)
            else:
                lost += 1
        if last_batch_id >= self.next_id:
            raise Broken(
                f"{self.stream}: the server has batch {last_batch_id}, which was never sent"
            )
        self.pending = {}
        self.acked = max(self.acked, last_batch_id)
        self.next_id = last_batch_id + 1
        self.sent_keys = [(user, event_id) for user in self.users for event_id in self.state[user]]
        return silent, lost

    def apply(self, row):
        user = row["user"]
        if row["kind"] == "set":
            # Times of writes ascend within a stream, so the last one stands.
            self.properties[user].update(row["set"])
        elif row["id"]:
            self.state[user][row["id"]] = (row["time"], row["properties"])
        else:
            self.without_id[user].append((row["time"], row["properties"]))

    def event_count(self):
        return sum(map(len, self.state.values())) + sum(map(len, self.without_id.values()))

    def expected(self, user):
        """What ListEvents must show: [(time, id or "", properties)] in no special order."""
        out = [
            (time, event_id, properties)
            for event_id, (time, properties) in self.state[user].items()
        ]
        return out + [(time, "", properties) for time, properties in self.without_id[user]]
