"""The book's decoder as an ONNX file, written by hand, run by ONNX Runtime."""

import sys
import time
from pathlib import Path

import shared  # isort: skip
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

IMPORTED = time.process_time()


# the heart
def decoder_file(p):
    def node(kind, *names, **options):  # the last name is what it makes
        return helper.make_node(kind, names[:-1], names[-1:], **options)

    nodes = [
        node("Gemm", "z", "d1.w", "d1.b", "a1", transB=1),
        node("Gelu", "a1", "h1"),  # the exact one is the default
        node("Gemm", "h1", "d2.w", "d2.b", "a2", transB=1),
        node("Gelu", "a2", "h2"),
        node("Gemm", "h2", "d3.w", "d3.b", "a3", transB=1),
        node("Add", "a3", "bias", "logits"),
        node("Sigmoid", "logits", "p"),
        node("Mul", "p", "two", "twice"),
        node("Sub", "twice", "one", "pixels"),
    ]
    numbers = {name: p[name] for name in shared.WEIGHTS if name[0] == "d" or name == "bias"}
    numbers |= {"one": shared.np.float32(1), "two": shared.np.float32(2)}
    stored = [numpy_helper.from_array(shared.np.asarray(v), name) for name, v in numbers.items()]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", d]) for n, d in (("z", 50), ("pixels", 784))]
    graph = helper.make_graph(nodes, "decoder", ends[:1], ends[1:], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(path):  # what a program does that ships the decoder
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda z: session.run(["pixels"], {"z": z})[0]


# the end of the heart
path = Path(sys.argv[2]).with_name("decoder.onnx")
model = decoder_file(shared.given())
onnx.checker.check_model(model)
onnx.save(model, path)
shared.answer("ONNX Runtime", onnxruntime.__version__, run(path), IMPORTED, file_bytes=path.stat().st_size)
