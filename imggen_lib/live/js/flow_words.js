// The texts of the flow demo; a translation replaces them by their keys.

words.flow = {
  // Buttons and what they say.
  train: "Train",
  pause: "Pause",
  reset: "Reset",
  reflow: "Reflow: learn the straight line",
  started: "Training.",
  paused: "Paused after {n} steps. {numbers}",
  ready: "Ready: fresh networks.",
  broken: "Stopped: the numbers have grown beyond all bounds. Reset, and choose a smaller learning rate.",
  "reflow-first": "Train first: there is nothing yet to learn the lines from.",
  "reflow-making": "Making pairs of noise and where it flows: {n} %.",
  "reflow-made": "{n} pairs are made. The network now learns the straight line from each noise to the point that it flowed to.",
  said: "Energy distance to the data: {one} in one step; {solver}, steps {steps}: {many}; real points come up to {real}.",
  // What to try.
  try: "Try:",
  "try-start":
    "press Train. The arrows are the field that the network learns; each line is the way of one point from noise to data.",
  "try-one":
    "play the flow from t = 0 to 1. Then set the steps to 1: every point runs along its first arrow, towards the middle " +
    "of all data. More steps mend it, until the network itself is the limit.",
  "try-reflow":
    "let it train for some hundred steps, then set the steps to 1 again: the paths are nearly straight now, and one step is " +
    "nearly as good as many. But what the first flow missed the second inherits: compare the rows of the table.",
  // Drawing one's own data.
  "draw-own": "Draw your own data",
  "draw-clear": "Clear the drawing",
  "draw-how": "Draw in the left picture, by mouse or finger; or with the arrow keys and Space (Backspace takes a point back).",
  "draw-first": "Nothing is drawn yet: draw in the left picture first.",
  "draw-plane": "Drawing area: arrow keys move, Space sets a point, Backspace takes the last one back.",
  "draw-count": "{n} points.",
  "draw-full": "{n} points: more are not taken.",
  "draw-again": "{n} points. The flow starts anew: its pairs were of the old data.",
  // Settings.
  data: "Data *",
  "data-moons": "two moons",
  "data-ring": "ring of eight Gaussians",
  "data-grid": "grid of 25 Gaussians",
  "data-spiral": "spiral",
  "data-line": "a line",
  "data-arc": "the VAE chapter's arc",
  "data-drawn": "drawn by you",
  beside: "Beside it *",
  gan: "GAN",
  vae: "VAE",
  solver: "Solver",
  euler: "Euler",
  midpoint: "midpoint",
  heun: "Heun",
  steps: "Steps",
  "steps-value": "{n} (calls: {evaluations})",
  stage: "Show",
  now: "as it trains",
  settings: "More settings: width, batch, learning rate, seed",
  "settings-note": "Changes marked * start anew with fresh networks; all others take effect while it runs.",
  width: "Width of the network *",
  batch: "Points in a batch",
  lr: "Learning rate",
  seed: "Seed *",
  arrows: "show the field",
  paths: "show the paths",
  // Time.
  time: "Time t",
  play: "Play the flow",
  halt: "Stop",
  // Pictures.
  "plane-caption":
    "Flow at t = {t}. Blue circles: data. Orange triangles: points on their way from noise (t = 0) to data (t = 1). " +
    "Arrows: the field at this t.",
  "gan-caption": "GAN: one jump from noise, no way. Blue circles: data. Purple triangles: generated.",
  "vae-caption": "VAE: one jump, and the noise of its \u03c3. Blue circles: data. Purple triangles: generated.",
  "plane-alt": "{stage} at time {t}: the field, data, and 240 points on their way from noise to data in {steps} steps.",
  "other-alt": "Data and what the {beside} generates, on the same axes.",
  "losses-caption":
    "The flow's loss. It does not fall to 0: lines of many pairs cross at a place, and only their mean can be learned. " +
    "After reflow they hardly cross.",
  "distances-caption": "Energy distance to the data; other real points lie below the dotted line 19 of 20 times.",
  "x-axis": "{n} steps",
  empty: "Nothing yet: press Train.",
  loss: "loss",
  // The table.
  flow: "Flow",
  reflowed: "Reflow {k}",
  real: "real points",
  "real-row": "Real points, 19 of 20 below",
  gaussian: "A fitted Gaussian",
  table:
    "Energy distance to {n} points of the data, in one step and in many (on average 0 for the same distribution, so it may be a " +
    "little below). On data: share of the points within three times the data's noise. Straightness: 0 for straight paths at an " +
    "even speed. Miss: how far one Euler step ends from where the path truly leads.",
  who: "Method",
  one: "1 step",
  many: "{solver}, {n}",
  near: "On data",
  percent: "{n}\u00a0%",
  straightness: "Straight\u00adness",
  miss: "Miss",
};
