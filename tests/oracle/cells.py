"""Numbers of replies and the users behind them: what is listed must be as many as the number says."""

import random
import uuid

import formulas
import wire
from values import order_key
from recount.v1 import cell_pb2, entity_list_pb2, segment_pb2, segment_rule_pb2, user_list_pb2

SECONDS = 60
CHECKED = 3  # Cells of a reply.
TALLY = {}  # How many were checked, by kind.
STATES = {
    "new_users": cell_pb2.LIFECYCLE_STATE_NEW,
    "returning_users": cell_pb2.LIFECYCLE_STATE_RETURNING,
    "resurrecting_users": cell_pb2.LIFECYCLE_STATE_RESURRECTING,
    "dormant_users": cell_pb2.LIFECYCLE_STATE_DORMANT,
}


def row_cells(row, compared):
    """The places in a row of a series, of the range or of the earlier time, and their numbers."""
    yield {}, row.compared_total if compared else row.total
    for bucket, number in enumerate((row.compared_values if compared else row.values).values):
        yield {"bucket": bucket}, number
    for column, number in enumerate((row.compared_by_column if compared else row.by_column).values):
        yield {"column": column}, number


def series_cells(query, reply):
    for index, series in enumerate(query["series"]):
        exact = series["measure"] in ("unique", "rolling")
        if not exact and series["measure"] not in ("events", "sessions") or query.get("cumulative") and not exact:
            continue
        for place, row in enumerate(reply.series[index].rows):
            for compared in (False, True)[: 1 + bool(query.get("comparison"))]:
                for at, number in row_cells(row, compared):
                    at = cell_pb2.SeriesCell(series=index, compared=compared, **at)
                    yield cell_pb2.Cell(row=place, series=at), number if exact else up_to(number)


def bin_cells(query, reply):
    """The bins of a histogram: some of as many users as a bin counts numbers, nobody where it counts none."""
    for index, series in enumerate(query["series"]):
        for place, row in enumerate(reply.series[index].rows if series["measure"] == "histogram" else []):
            found = [(None, row.total_histogram, False), (None, row.compared_total_histogram, True)]
            found += [(bucket, one, False) for bucket, one in enumerate(row.histograms)]
            found += [(bucket, one, True) for bucket, one in enumerate(row.compared_histograms)]
            for bucket, histogram, compared in found:
                for one, number in zip(histogram.bins, histogram.counts):
                    at = cell_pb2.SeriesCell(series=index, compared=compared, bucket=bucket, bin=one)
                    yield cell_pb2.Cell(row=place, series=at), up_to(number)


def formula_cells(query, reply):
    """The series that a formula names, in its rows: in its total row as many as in theirs."""
    for place, formula in enumerate(query.get("formulas") or [], len(query["series"])):
        rows = reply.series[place].rows
        for operand in formulas.operands(formula, len(query["series"])):
            series = query["series"][operand]
            if series["measure"] not in ("unique", "rolling"):
                continue
            total = reply.series[operand].rows[-1]
            for compared in (False, True)[: 1 + bool(query.get("comparison"))]:
                for at, number in row_cells(total, compared):
                    at = cell_pb2.SeriesCell(series=place, operand=operand, compared=compared, **at)
                    if not at.HasField("column"):
                        yield cell_pb2.Cell(row=len(rows) - 1, series=at), number
            for row in range(len(rows) - 1):
                at = cell_pb2.SeriesCell(series=place, operand=operand)
                yield cell_pb2.Cell(row=row, series=at), range(1 << 32)


def funnel_cells(query, reply):
    counted = up_to if query.get("totals") else int  # Attempts, of fewer users.
    buckets = [(None, reply.rows)] + [(i, one.rows) for i, one in enumerate(reply.buckets)]
    for bucket, rows in buckets:
        for place, row in enumerate(rows):
            for step, number in enumerate(row.counts):
                for dropped in (False, True):
                    cell = cell_pb2.Cell(row=place)
                    cell.funnel.step, cell.funnel.dropped = step + 1, dropped
                    if bucket is not None:
                        cell.funnel.bucket = bucket
                    yield cell, counted(row.counts[0] - number if dropped else number)


def retention_cells(query, reply):
    del query
    for place, row in enumerate(reply.rows):
        for index, cohort in enumerate(row.cohorts):
            cell = cell_pb2.Cell(row=place, retention=cell_pb2.RetentionCell(cohort=index))
            yield cell, cohort.size
            for column, number in enumerate(wire.column(cohort.users)):
                cell = cell_pb2.Cell(row=place)
                cell.retention.cohort, cell.retention.column = index, column
                yield cell, number or 0


def lifecycle_cells(query, reply):
    del query
    for place, row in enumerate(reply.rows):
        for name, state in STATES.items():
            for bucket, number in enumerate(wire.column(getattr(row, name))):
                cell = cell_pb2.Cell(row=place)
                cell.lifecycle.bucket, cell.lifecycle.state = bucket, state
                yield cell, number or 0


def stickiness_cells(query, reply):
    del query
    for place, row in enumerate(reply.rows):
        for index, number in enumerate(row.users):
            cell = cell_pb2.Cell(row=place)
            cell.stickiness.buckets = index + 1
            yield cell, number


def paths_cells(query, reply):
    """All walks (level 0), then nodes, ends and edges; the total stands behind the rows."""
    del query
    for place, row in enumerate([*reply.rows, reply]):
        yield cell_pb2.Cell(row=place, paths=cell_pb2.PathsCell()), row.users
        for level, nodes in enumerate(row.levels):
            for index, node in enumerate(nodes.nodes):
                at = {"level": level + 1, "node": index}
                yield cell_pb2.Cell(row=place, paths=cell_pb2.PathsCell(**at)), node.users
                at["drop_off"] = True
                yield cell_pb2.Cell(row=place, paths=cell_pb2.PathsCell(**at)), node.drop_off_users
        for edge in row.edges:
            at = cell_pb2.PathsCell(level=edge.level, node=edge.source, target=edge.target)
            yield cell_pb2.Cell(row=place, paths=at), edge.users


def sessions_cells(query, reply):
    """Users have a figure of their own; of bounces and of entries at most as many as sessions."""
    del query
    for place, row in enumerate(reply.rows):
        for bucket, figures in [(None, row.total)] + [(i, row.buckets) for i in range(len(reply.buckets))]:
            at = {} if bucket is None else {"bucket": bucket}
            for bounced, column in ((False, figures.users), (True, figures.bounces)):
                number = column.values[bucket or 0]
                cell = cell_pb2.SessionsCell(bounced=bounced, **at)
                yield cell_pb2.Cell(row=place, sessions=cell), up_to(number) if bounced else number
    for name, ends in (("entry", reply.entries), ("exit", reply.exits)):
        for place, end in enumerate(ends):
            cell = cell_pb2.SessionsCell(**{name: place})
            yield cell_pb2.Cell(sessions=cell), up_to(end.sessions)


def experiment_cells(query, reply):
    rate = query["funnel"] is not None
    for place, variant in enumerate(reply.variants):
        numbers = {cell_pb2.COMPARED_USERS_UNSPECIFIED: variant.users}
        if rate:
            numbers[cell_pb2.COMPARED_USERS_CONVERTED] = variant.converted_users
            numbers[cell_pb2.COMPARED_USERS_OTHERS] = variant.users - variant.converted_users
        for users, number in numbers.items():
            yield cell_pb2.Cell(row=place, experiment=cell_pb2.ExperimentCell(users=users)), number


def correlation_cells(query, reply):
    del query

    def cells(row, converted, others, **at):
        for users, number in (
            (cell_pb2.COMPARED_USERS_UNSPECIFIED, converted + others),
            (cell_pb2.COMPARED_USERS_CONVERTED, converted),
            (cell_pb2.COMPARED_USERS_OTHERS, others),
        ):
            at["users"] = users
            yield cell_pb2.Cell(row=row, correlation=cell_pb2.CorrelationCell(**at)), number

    yield from cells(
        0, reply.converted_users, reply.users - reply.converted_users, population=True)
    for place, one in enumerate(reply.candidates):
        yield from cells(place, one.converted_users, one.other_users)


def up_to(number):
    """As many users as something else says, or fewer, but some where there is any."""
    return range(1 if number else 0, int(number) + 1)


CELLS = {
    "series": lambda query, reply: [
        *series_cells(query, reply), *formula_cells(query, reply), *bin_cells(query, reply),
    ],
    "funnel": funnel_cells,
    "retention": retention_cells,
    "lifecycle": lifecycle_cells,
    "stickiness": stickiness_cells,
    "paths": paths_cells,
    "sessions": sessions_cells,
    "experiment": experiment_cells,
    "correlation": correlation_cells,
}


def listed_entities(client, scope, cell):
    """The entities behind a cell, counted and listed page by page."""
    request = entity_list_pb2.ListEntitiesRequest(scope=scope, cell=cell, page_size=3)
    request.scope.ClearField("range")
    entities, count = [], None
    while count is None or request.page_token:
        page = client.queries.ListEntities(request, timeout=SECONDS)
        entities += [wire.value_of(one.entity) for one in page.entities]
        count = page.entity_count
        request.page_size = max(3, count // 8)
        request.page_token = page.next_page_token
        order = [order_key(one) for one in entities]
        if sorted(set(order)) != order:
            raise AssertionError(f"entities behind a cell are out of order: {entities}")
        if not all(one.event_count for one in page.entities):
            raise AssertionError(f"an entity behind a cell is named by no event: {page.entities}")
    pieces = client.queries.ExportEntities(
        entity_list_pb2.ExportEntitiesRequest(scope=request.scope, cell=cell), timeout=SECONDS
    )
    exported = [wire.value_of(one.entity) for piece in pieces for one in piece.entities]
    if exported != entities:
        raise AssertionError(f"exported behind a cell: {exported}, listed: {entities}")
    return count, len(entities)


def listed(client, scope, cell):
    """The users behind a cell, counted, listed page by page, and counted as those who are not."""
    request = segment_pb2.CountSegmentRequest(scope=scope)
    request.scope.ClearField("range")
    request.scope.segment.rule.cell.CopyFrom(cell)
    count = client.segments.CountSegment(request, timeout=SECONDS)
    inverse = segment_pb2.CountSegmentRequest(scope=request.scope)
    inverse.scope.segment.rule.CopyFrom(
        segment_rule_pb2.SegmentRule(negation=segment_rule_pb2.SegmentRule(cell=cell))
    )
    others = client.segments.CountSegment(inverse, timeout=SECONDS).user_count
    users, token = [], ""
    while True:
        page = client.queries.ListUsers(
            user_list_pb2.ListUsersRequest(
                scope=request.scope, page_size=max(3, count.user_count // 8), page_token=token
            ),
            timeout=SECONDS,
        )
        more = [one.user for one in page.users]
        order = [one.encode() for one in users[-1:] + more]
        if sorted(set(order)) != order: # And a list that comes back to where it was has no end.
            raise AssertionError(f"users behind {more} come after {users[-1:]}, token {token!r}")
        users += more
        token = page.next_page_token
        if not token or not page.users:
            break
    return (
        count.user_count, count.known_user_count - others, len(users), len(set(users)),
        count_saved(client, request.scope, cell),
    )


def count_saved(client, scope, cell):
    """The same users by the name of a segment, which goes again. Others may do so meanwhile."""
    segment = segment_pb2.Segment(rule=segment_rule_pb2.SegmentRule(cell=cell))
    name = client.segments.CreateSegment(
        segment_pb2.CreateSegmentRequest(
            parent=scope.project, segment_id=f"of-a-cell-{uuid.uuid4()}", segment=segment
        ),
        timeout=SECONDS,
    ).segment.name
    request = segment_pb2.CountSegmentRequest(scope=scope)
    request.scope.segment.segment = name
    count = client.segments.CountSegment(request, timeout=SECONDS).user_count
    client.segments.DeleteSegment(segment_pb2.DeleteSegmentRequest(name=name), timeout=SECONDS)
    return count


def faults(client, project, query, reply):
    """Sentences about cells whose users are not as many as their number says."""
    kind = query["kind"]
    if kind not in CELLS:
        return []
    handle = reply.info.cell_handle
    if not handle:
        return [f"a reply of {kind} has no handle"]
    found = list(CELLS[kind](query, reply))
    of_entities = query["scope"].get("entity") is not None
    rng = random.Random(handle)
    out = []
    for cell, number in rng.sample(found, min(CHECKED, len(found))):
        cell.handle = handle
        scope = wire.scope_message(dict(query["scope"], segment=None), project)
        counts = (listed_entities if of_entities else listed)(client, scope, cell)
        name = f"{kind} of entities" if of_entities else kind
        TALLY[name] = TALLY.get(name, 0) + 1
        wanted = number if isinstance(number, range) else [number]
        if len(set(counts)) != 1 or counts[0] not in wanted:
            cell.handle = ""
            out.append(f"{kind} says {number}, its users are {counts}: {cell}")
    return out
