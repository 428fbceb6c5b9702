"""A gRPC backend: python grpc_server.py PORT. Methods of Bar: Order (one to one), Rounds (one to many), Chat (many to many)
and Fail. Prints a line per call."""
import sys
from concurrent import futures

import grpc


def note(name, context):
    fields = dict(context.invocation_metadata())
    print(f"call {name} user={fields.get('x-auth-request-user')} authorization={fields.get('authorization')}")


def order(request, context):
    note("Order", context)
    context.set_trailing_metadata((("x-barrel", "seven"),))
    return b"served " + request


def rounds(request, context):
    note("Rounds", context)
    for number in range(3):
        yield request + str(number).encode()


def chat(requests, context):
    note("Chat", context)
    for request in requests:
        yield b"re: " + request


def fail(request, context):
    note("Fail", context)
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "the barrel is empty")


handlers = {
    "Order": grpc.unary_unary_rpc_method_handler(order),
    "Rounds": grpc.unary_stream_rpc_method_handler(rounds),
    "Chat": grpc.stream_stream_rpc_method_handler(chat),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
}
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Bar", handlers),))
assert server.add_insecure_port(f"127.0.0.1:{sys.argv[1]}") == int(sys.argv[1])
server.start()
print("ready")
server.wait_for_termination()
