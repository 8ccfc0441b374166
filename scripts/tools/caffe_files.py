"""Caffe's two files, written and read with protobuf alone: a prototxt says the layers, a caffemodel holds their numbers.

The field numbers are the format (BVLC/caffe, src/caffe/proto/caffe.proto); these are the ones that a few layers need.
"""

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

# the heart
MESSAGES = """
BlobShape: dim=1 int64*
BlobProto: shape=7 BlobShape, data=5 float*
InputParameter: shape=1 BlobShape+
InnerProductParameter: num_output=1 uint32
ReLUParameter: negative_slope=1 float
PowerParameter: power=1 float, scale=2 float, shift=3 float
LayerParameter: name=1 string, type=2 string, bottom=3 string+, top=4 string+, blobs=7 BlobProto+,
 inner_product_param=117 InnerProductParameter, power_param=122 PowerParameter, relu_param=123 ReLUParameter,
 input_param=143 InputParameter
NetParameter: name=1 string, layer=100 LayerParameter+
"""


def messages():
    """Classes for the messages above; `+` is a repeated field, `*` a repeated one whose numbers are packed."""
    file = descriptor_pb2.FileDescriptorProto(name="caffe.proto", package="caffe", syntax="proto2")
    for line in MESSAGES.replace(",\n", ",").split("\n")[1:-1]:
        name, fields = line.split(": ")
        message = file.message_type.add(name=name)
        for field in fields.split(","):
            key, kind = field.split()
            made = message.field.add(name=key.split("=")[0], number=int(key.split("=")[1]))
            made.label = made.LABEL_REPEATED if kind[-1] in "+*" else made.LABEL_OPTIONAL
            made.options.packed = kind[-1] == "*"
            plain = kind.rstrip("+*")
            if plain[0].islower():
                made.type = getattr(made, "TYPE_" + plain.upper())
            else:
                made.type, made.type_name = made.TYPE_MESSAGE, ".caffe." + plain
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {m.name: message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe." + m.name)) for m in file.message_type}


def net(prototxt, weights):
    """The text's layers as a NetParameter; each InnerProduct NAME gets its two blobs from `weights[NAME]`."""
    made = text_format.Parse(prototxt, messages()["NetParameter"]())
    for layer in made.layer:
        for values in weights.get(layer.name, ()):
            blob = layer.blobs.add(data=np.ravel(values).tolist())
            blob.shape.dim.extend(values.shape)
    return made


# the end of the heart
