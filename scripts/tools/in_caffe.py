"""Caffe's own files for two decoders, run by OpenCV 4. Version 5 of OpenCV reads them no longer, and Caffe itself cannot be had."""

import sys
import time
from pathlib import Path

import shared  # isort: skip
import caffe_files
import cv2

IMPORTED = time.process_time()
cv2.setNumThreads(1)


# the heart
def prototxt(name, inputs, layers):
    text = f'name: "{name}"\nlayer {{ name: "data" type: "Input" top: "h" '
    text += f"input_param {{ shape {{ dim: 1 dim: {inputs} }} }} }}\n"
    for k, (layer, kind, options) in enumerate(layers):
        ends = f'bottom: "{"h" if k == 0 else layers[k - 1][0]}" top: "{layer}"'
        text += f'layer {{ name: "{layer}" type: "{kind}" {ends} {options} }}\n'
    return text


def product(name, outputs):
    return name, "InnerProduct", f"inner_product_param {{ num_output: {outputs} }}"


LEAKY = "relu_param { negative_slope: 0.2 }"
ARTICLE = [  # the article's generator: every layer is of 2014
    *(product("g1", 256), ("r1", "ReLU", LEAKY), product("g2", 512), ("r2", "ReLU", LEAKY)),
    *(product("g3", 784), ("pixels", "TanH", "")),
]
VAE = [  # its GELU was never a layer of Caffe's: OpenCV takes this file, Caffe would not
    *(product("d1", 512), ("r1", "Gelu", ""), product("d2", 512), ("r2", "Gelu", ""), product("d3", 784)),
    *(("p", "Sigmoid", ""), ("pixels", "Power", "power_param { power: 1 scale: 2 shift: -1 }")),
]


def write(folder, name, inputs, layers, weights):
    text = prototxt(name, inputs, layers)
    (folder / f"{name}.prototxt").write_text(text)
    (folder / f"{name}.caffemodel").write_bytes(caffe_files.net(text, weights).SerializeToString())


def run(folder, name):
    net = cv2.dnn.readNetFromCaffe(str(folder / f"{name}.prototxt"), str(folder / f"{name}.caffemodel"))
    return lambda z: (net.setInput(z), net.forward().copy())[1]


# the end of the heart
p, folder = shared.given(), Path(sys.argv[2]).parent
weights = {name: (p[name + ".w"], p[name + ".b"]) for name in ("g1", "g2", "g3", "d1", "d2", "d3")}
weights["d3"] = (p["d3.w"], p["d3.b"] + p["bias"])
write(folder, "article", 64, ARTICLE, weights)
write(folder, "vae", 50, VAE, weights)
more = {"file_bytes": (folder / "article.caffemodel").stat().st_size, "generated": run(folder, "article")(p["gz"])}
shared.answer("Caffe's files in OpenCV", cv2.__version__, run(folder, "vae"), IMPORTED, **more)
