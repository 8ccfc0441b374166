// The product of two matrices, which is where a network's time goes: in WebAssembly, four numbers at once, where the
// browser has it; in plain JavaScript elsewhere. The two differ by rounding alone.

// out (m x n) += a (m x k) times b (k x n); four rows of b at a time.
function multiplyInto(out, a, b, m, k, n) {
  for (let i = 0; i < m; i++) {
    const to = i * n;
    let p = 0;
    for (; p + 3 < k; p += 4) {
      const at = i * k + p;
      const a0 = a[at];
      const a1 = a[at + 1];
      const a2 = a[at + 2];
      const a3 = a[at + 3];
      const b0 = p * n;
      const b1 = b0 + n;
      const b2 = b1 + n;
      const b3 = b2 + n;
      for (let j = 0; j < n; j++) out[to + j] += a0 * b[b0 + j] + a1 * b[b1 + j] + a2 * b[b2 + j] + a3 * b[b3 + j];
    }
    for (; p < k; p++) {
      const a0 = a[i * k + p];
      for (let j = 0; j < n; j++) out[to + j] += a0 * b[p * n + j];
    }
  }
}

// product.wat, assembled (a test assembles it again): multiply(out, a, b, m, k, n), addresses in its memory.
const PRODUCT_CODE =
  "AGFzbQEAAAABCgFgBn9/f39/fwADAgEABQMBAAEHFQIGbWVtb3J5AgAIbXVsdGlwbHkAAAr4AwH1AwIKfwt7IARBAnQhDiAFQQJ0" +
  "IQ8gASEKIAAhCQNAQQAhBwNAIAkgB0ECdGohCyAL/QAEACETIAv9AAQQIRQgCyAPaiELIAv9AAQAIRUgC/0ABBAhFiALIA9qIQsg" +
  "C/0ABAAhFyAL/QAEECEYIAsgD2ohCyAL/QAEACEZIAv9AAQQIRogBCEIIAohDCACIAdBAnRqIQ0DQCAN/QAEACEQIA39AAQQIREg" +
  "DCELIAv9CQIAIRIgEyASIBD95gH95AEhEyAUIBIgEf3mAf3kASEUIAsgDmohCyAL/QkCACESIBUgEiAQ/eYB/eQBIRUgFiASIBH9" +
  "5gH95AEhFiALIA5qIQsgC/0JAgAhEiAXIBIgEP3mAf3kASEXIBggEiAR/eYB/eQBIRggCyAOaiELIAv9CQIAIRIgGSASIBD95gH9" +
  "5AEhGSAaIBIgEf3mAf3kASEaIAxBBGohDCANIA9qIQ0gCEEBayIIDQALIAkgB0ECdGohCyALIBP9CwQAIAsgFP0LBBAgCyAPaiEL" +
  "IAsgFf0LBAAgCyAW/QsEECALIA9qIQsgCyAX/QsEACALIBj9CwQQIAsgD2ohCyALIBn9CwQAIAsgGv0LBBAgB0EIaiIHIAVIDQAL" +
  "IAogDkECdGohCiAJIA9BAnRqIQkgBkEEaiIGIANIDQALCwCVAQRuYW1lAnUBABsAA291dAEBYQIBYgMBbQQBawUBbgYBaQcBaggB" +
  "cAkGcm93T3V0CgRyb3dBCwJhdAwCcGENAnBiDgdzdHJpZGVBDwdzdHJpZGVOEAF4EQF5EgF3EwJzMBQCdDAVAnMxFgJ0MRcCczIY" +
  "AnQyGQJzMxoCdDMDFwEAAwAEcm93cwEHY29sdW1ucwIDc3Vt";

// What uses it: { keep, multiply }, or false where the browser cannot.
let assembled = null;
function assembledProduct() {
  if (assembled !== null) return assembled;
  try {
    const bytes = Uint8Array.from(atob(PRODUCT_CODE), (c) => c.charCodeAt(0));
    const { memory, multiply } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;
    let kept = 0; // bytes of factors; what lies behind them is scrap paper
    const upTo = (multiple, x) => multiple * Math.ceil(x / multiple);
    const room = (bytes) => {
      const missing = bytes - memory.buffer.byteLength;
      if (missing > 0) memory.grow(upTo(65536, missing) / 65536);
    };
    assembled = {
      // Keep a (m x k), with rows of zeros up to a multiple of four; gives its address.
      keep(a, m, k) {
        const at = kept;
        const size = upTo(4, m) * k;
        room(at + 4 * size);
        const values = new Float32Array(memory.buffer, at, size);
        values.set(a);
        values.fill(0, m * k);
        kept = upTo(16, at + 4 * size);
        return at;
      },
      // out (m x n) += the factor at `a` times b (k x n); its rows are padded to eight numbers on the way.
      into(out, a, b, m, k, n) {
        const [rows, wide] = [upTo(4, m), upTo(8, n)];
        const [bAt, outAt] = [kept, kept + 4 * k * wide];
        room(outAt + 4 * rows * wide);
        const values = new Float32Array(memory.buffer);
        const bring = (from, height, at) => {
          if (wide === n) values.set(from, at / 4);
          else for (let i = 0; i < height; i++) values.set(from.subarray(i * n, (i + 1) * n), at / 4 + i * wide);
        };
        bring(b, k, bAt);
        bring(out, m, outAt);
        multiply(outAt, a, bAt, rows, k, wide);
        for (let i = 0; i < m; i++) out.set(values.subarray(outAt / 4 + i * wide, outAt / 4 + i * wide + n), i * n);
      },
    };
  } catch {
    assembled = false; // an old browser, or a page that forbids it
  }
  return assembled;
}

// For a fixed a (m x k): a function that adds a times b (k x n) to out (m x n).
function productWith(a, m, k) {
  const fast = assembledProduct();
  if (!fast) return (out, b, n) => multiplyInto(out, a, b, m, k, n);
  const at = fast.keep(a, m, k);
  return (out, b, n) => fast.into(out, at, b, m, k, n);
}
