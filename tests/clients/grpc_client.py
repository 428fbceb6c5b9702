"""A gRPC client: python grpc_client.py ADDRESS [TOKEN]. Calls every method of Bar; prints a line per outcome."""
import sys

import grpc

address, *token = sys.argv[1:]
metadata = tuple(("authorization", f'WRAP access_token="{one}"') for one in token)
channel = grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)])


def attempt(name, call):
    try:
        print(name, *call())
    except grpc.RpcError as error:
        print(name, error.code().name, error.details())


def order():
    answer, call = channel.unary_unary("/Bar/Order").with_call(b"a beer", metadata=metadata, timeout=30)
    return answer.decode(), call.code().name, *(f"{key}={value}" for key, value in call.trailing_metadata())


def rounds():
    return [answer.decode() for answer in channel.unary_stream("/Bar/Rounds")(b"round", metadata=metadata, timeout=30)]


def chat():
    said = iter([b"hello", b"goodbye"])
    return [answer.decode() for answer in channel.stream_stream("/Bar/Chat")(said, metadata=metadata, timeout=30)]


attempt("order", order)
attempt("rounds", rounds)
attempt("chat", chat)
attempt("fail", lambda: channel.unary_unary("/Bar/Fail")(b"", metadata=metadata, timeout=30))
