"""Exports as streams: connections whose client reads slowly, and what the server holds meanwhile."""

import time

import grpc

from recount.v1 import admin_pb2, admin_pb2_grpc

PIECE_BYTES = 256 << 10


def slow_channel(server):
    """A connection that takes little before its client reads."""
    return grpc.insecure_channel(
        server.address,
        options=[
            ("grpc.max_receive_message_length", 64 << 20),
            ("grpc.http2.lookahead_bytes", 16384),
            ("grpc.http2.bdp_probe", 0),
            ("grpc.use_local_subchannel_pool", 1),
        ],
    )


def query_bytes(server, project):
    """What queries of a project take now, this one included."""
    reply = admin_pb2_grpc.AdminServiceStub(server.channel).GetStatistics(
        admin_pb2.GetStatisticsRequest(project=project), timeout=30
    )
    return reply.projects[0].memory.query_bytes


def until_nothing_is_held(case, server, project, idle):
    """A client hears of the end of its call before the server has tidied up."""
    end = time.monotonic() + 20
    while query_bytes(server, project) > idle and time.monotonic() < end:
        time.sleep(0.02)
    case.assertLessEqual(query_bytes(server, project), idle)


def check_pieces(case, pieces):
    """Each is as large as the rest allows; the first alone says what was asked."""
    for piece in pieces:
        case.assertLess(piece.ByteSize(), PIECE_BYTES + 4096)
    for piece in pieces[:-1]:
        case.assertGreaterEqual(piece.ByteSize(), PIECE_BYTES)
    case.assertEqual([one for one in pieces if one.HasField("info")], pieces[:1])
