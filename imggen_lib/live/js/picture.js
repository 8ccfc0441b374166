// Images on the screen.

// Numbers in [-1, 1], channel by channel, as an image of bytes; imggen_lib.data.to_uint8 rounds the same way.
function bytesImage(values, [channels, height, width]) {
  const image = new ImageData(width, height);
  const area = height * width;
  for (let i = 0; i < area; i++) {
    for (let c = 0; c < 3; c++) {
      const v = values[(channels === 3 ? c : 0) * area + i];
      image.data[4 * i + c] = Math.round(Math.max(0, Math.min(255, (v + 1) * 127.5)));
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
}

// A canvas that shows images of one shape, `size` CSS pixels wide, with sharp pixels. `.show(values)` draws one.
function picture(shape, size, properties = {}) {
  const [, height, width] = shape;
  const element = h("canvas", { width, height, class: "il-picture", role: "img", ...properties });
  element.style.width = `${size}px`;
  element.style.aspectRatio = `${width} / ${height}`;
  element.show = (values) => {
    element.shown = values;
    element.getContext("2d").putImageData(bytesImage(values, shape), 0, 0);
  };
  return element;
}

// The same picture, `times` larger, for saving.
function enlargedPicture(element, times) {
  const large = h("canvas", { width: element.width * times, height: element.height * times });
  const pen = large.getContext("2d");
  pen.imageSmoothingEnabled = false;
  pen.drawImage(element, 0, 0, large.width, large.height);
  return large;
}
