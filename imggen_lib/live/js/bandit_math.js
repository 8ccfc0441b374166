// A race of three ways to show banners, and experiments that are looked at every evening.
// The same in Python, number for number: imggen_lib/live/bandit_race.py.

const BANDIT_POLICIES = ["uniform", "A/B", "Thompson"];

// Gamma with a shape of 1 or more (Marsaglia and Tsang 2000), and beta with two such shapes.
function banditGamma(random, shape) {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

function banditBeta(random, a, b) {
  const x = banditGamma(random, a);
  return x / (x + banditGamma(random, b));
}

// The position of the largest; by lot where several are largest.
function banditLargest(values, random) {
  const most = Math.max(...values);
  const found = values.map((v, k) => [v, k]).filter(([v]) => v === most);
  return found[found.length > 1 ? random.below(found.length) : 0][1];
}

// One race in one world: `lost` has the clicks lost against the best arm up to each evening, `shown` the impressions
// of each arm, `named` the arm that is called the best, `best` the one that is. With `keep`, `chosen` has every choice.
function banditRace({ policy, rate, lift, arms, daily, days, seed, first = 0.2, batch = 500, keep = false }) {
  const random = chance(4 * seed + 1 + BANDIT_POLICIES.indexOf(policy));
  const best = chance(4 * seed).below(arms);
  const total = daily * days;
  const shown = new Array(arms).fill(0);
  const clicks = new Array(arms).fill(0);
  const before = 1 / rate - 1; // misses that the prior knows of
  const shares = () => clicks.map((c, k) => c / Math.max(1, shown[k]));
  const lost = [];
  const chosen = [];
  let posterior = null;
  let winner = -1;
  for (let t = 0; t < total; t++) {
    let arm = t % arms;
    if (policy === "A/B" && t >= first * total) {
      if (winner < 0) winner = banditLargest(shares(), random);
      arm = winner;
    } else if (policy === "Thompson") {
      if (t % batch === 0) posterior = clicks.map((c, k) => [1 + c, before + shown[k] - c]);
      let most = -1;
      for (let k = 0; k < arms; k++) {
        const drawn = banditBeta(random, posterior[k][0], posterior[k][1]);
        if (drawn > most) [most, arm] = [drawn, k];
      }
    }
    shown[arm]++;
    if (random() < (arm === best ? rate * (1 + lift) : rate)) clicks[arm]++;
    if (keep) chosen.push(arm);
    if ((t + 1) % daily === 0) lost.push(rate * lift * (t + 1 - shown[best]));
  }
  if (policy === "Thompson") winner = banditLargest(clicks.map((c, k) => (1 + c) / (1 + before + shown[k])), random);
  else if (policy === "uniform") winner = banditLargest(shares(), random);
  return { lost, shown, clicks, named: winner, best, chosen };
}

const BANDIT_Z = 1.9599639845400536; // the 97.5 % quantile of the normal distribution

// One experiment with two arms of `daily` impressions a day each: z and the logarithm of the evidence on each evening.
// Impressions are taken in pairs, one of each arm; pairs in which nothing was clicked are skipped by a geometric number.
function banditExperiment({ rate, lift, daily, days, random, width = 50 }) {
  const other = rate * (1 + lift);
  const both = rate * other;
  const onlyA = rate * (1 - other);
  const any = both + onlyA + other * (1 - rate);
  const skip = Math.log(1 - any);
  let next = Math.floor(Math.log(1 - random()) / skip);
  let [a, b, wins, losses, e] = [0, 0, 0, 0, 0];
  const z = [];
  const evidence = [];
  for (let day = 1; day <= days; day++) {
    const n = day * daily;
    while (next < n) {
      const u = random() * any;
      if (u < both) {
        a++;
        b++;
      } else {
        const win = u >= both + onlyA;
        e += Math.log((2 * (width + (win ? wins : losses))) / (2 * width + wins + losses));
        if (win) [b, wins] = [b + 1, wins + 1];
        else [a, losses] = [a + 1, losses + 1];
      }
      next += 1 + Math.floor(Math.log(1 - random()) / skip);
    }
    const p = (a + b) / (2 * n);
    const spread = Math.sqrt(2 * n * p * (1 - p));
    z.push(spread > 0 ? (b - a) / spread : 0);
    evidence.push(e);
  }
  return { z, evidence, wins, losses };
}

// How many of so many experiments call a difference up to each evening: by z at any look, by evidence; and by z at the
// last look alone.
function banditLooks({ rate, lift, daily, days, trials, seed, level = 0.95, width = 50 }) {
  const random = chance(seed);
  const bar = -Math.log(1 - level);
  const byZ = new Array(days).fill(0);
  const byEvidence = new Array(days).fill(0);
  let once = 0;
  for (let k = 0; k < trials; k++) {
    const { z, evidence } = banditExperiment({ rate, lift, daily, days, random, width });
    const from = (list, called) => {
      const first = list.findIndex(called);
      return first < 0 ? days : first;
    };
    for (let d = from(z, (v) => Math.abs(v) > BANDIT_Z); d < days; d++) byZ[d]++;
    for (let d = from(evidence, (v) => v >= bar); d < days; d++) byEvidence[d]++;
    if (Math.abs(z[days - 1]) > BANDIT_Z) once++;
  }
  return { byZ, byEvidence, once, trials };
}

// Wilson's interval of a share, as imggen_lib.metrics.intervals has it.
function banditWilson(hits, n) {
  const z2 = BANDIT_Z * BANDIT_Z;
  const middle = (hits + z2 / 2) / (n + z2);
  const half = (BANDIT_Z / (n + z2)) * Math.sqrt((hits * (n - hits)) / n + z2 / 4);
  return [Math.max(0, middle - half), Math.min(1, middle + half)];
}

// Impressions for each of two arms, for a power of 0.8 at 5 %.
function banditNeeded(rate, lift) {
  const q = rate * (1 + lift);
  const z = BANDIT_Z + 0.8416212335729143;
  return Math.ceil((z * z * (rate * (1 - rate) + q * (1 - q))) / (q - rate) ** 2);
}

Object.assign(tools, { banditRace, banditLooks, banditExperiment, banditWilson, banditNeeded, chance });
