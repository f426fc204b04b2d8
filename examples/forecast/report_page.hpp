#pragma once

/// What every report.html begins with: it needs no network and no library, and reads without the
/// script, which adds zoom and hover values.
namespace tool::page {

inline constexpr const char* style = R"css(
:root { color-scheme: light dark; --back: #fff; --ink: #1b1f24; --dim: #5b6470; --line: #d9dee4;
  --b95: #d3e5f3; --b80: #9cc6e3; --b50: #559dce; --median: #00406b; --seen: #c24e00; --card: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --ink: #e6e9ed; --dim: #9aa4b0;
  --line: #333a43; --b95: #16324a; --b80: #1f5580; --b50: #3585bd; --median: #d8ecfb; --seen: #ff9a4d;
  --card: #1c2127; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.verdict { font-size: 1.1rem; } .dim, figcaption, small { color: var(--dim); }
figure { margin: 0 0 1rem; } figcaption { font-size: .9rem; min-height: 1.5em; }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 13px; }
svg.plot { overflow: hidden; } figure.chart > svg { touch-action: pan-y; }
.grid { stroke: var(--line); } .axis { stroke: var(--dim); }
.q0 { fill: var(--b95); } .q1 { fill: var(--b80); } .q2 { fill: var(--b50); }
.median, .seen, .rule { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.median { stroke: var(--median); stroke-width: 2; } .seen { stroke: var(--seen); stroke-width: 1.6; }
.rule { stroke: var(--dim); stroke-dasharray: 4 4; } .bar { fill: var(--b50); }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--dim); }
.key i { display: inline-block; width: 1.1em; height: .7em; margin-right: .35em; }
.zoom button { font: inherit; min-width: 2.6em; min-height: 2.2em; margin: 0 .2em .2em 0; color: inherit;
  background: var(--card); border: 1px solid var(--line); border-radius: 4px; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .92rem; width: 100%; }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; white-space: nowrap; } th { color: var(--dim); font-weight: 600; }
th:first-child, td:first-child, table.text td, table.text th { text-align: left; }
table.text td { white-space: normal; } td { overflow-wrap: normal; }
h3 { font-size: 1rem; margin: 1rem 0 .3rem; } figure.strip { margin: 0 0 .2rem; }
figure.strip figcaption { min-height: 0; }
@media (max-width: 600px) { figure.chart svg text, figure.strip svg text { font-size: 18px; } }
tr.whole td { font-weight: 600; } code, pre { background: var(--card); border-radius: 4px; }
code { padding: .1em .3em; } pre { padding: .6rem; overflow-x: auto; }
.two { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 0 1.5rem; }
)css";

/// A chart is an outer picture with axes and an inner one, whose view is moved: x in cells, y from
/// 0 (largest value) to 1000. Labels stand at round times, which `k` ranks: 0 to 9, by how round.
inline constexpr const char* script = R"js(
for (const box of document.querySelectorAll('figure.chart')) {
  const d = JSON.parse(box.querySelector('script').textContent), n = d.t.length;
  const svg = box.querySelector('svg'), plot = svg.querySelector('svg'), L = +plot.getAttribute('x'),
    T = +plot.getAttribute('y'), W = +plot.getAttribute('width'), H = +plot.getAttribute('height');
  const gx = svg.querySelector('.xs'), gy = svg.querySelector('.ys'), hair = svg.querySelector('.hair');
  const caption = box.querySelector('figcaption'), told = caption.textContent;
  let a = d.a, b = d.b;  // cells in view
  const value = y => d.hi - y / 1000 * (d.hi - d.lo), place = v => 1000 * (d.hi - v) / (d.hi - d.lo);
  const short = v => v === null ? '–' : Math.abs(v) >= 1e6 || (v && Math.abs(v) < 1e-3)
    ? v.toExponential(2) : String(+v.toPrecision(5));
  const text = (g, x, y, s, anchor) => {
    const t = document.createElementNS('http://www.w3.org/2000/svg', 'text');
    t.setAttribute('x', x); t.setAttribute('y', y); t.setAttribute('text-anchor', anchor);
    t.textContent = s; g.append(t); };
  const line = (g, x1, y1, x2, y2) => {
    const l = document.createElementNS('http://www.w3.org/2000/svg', 'line');
    Object.entries({x1, y1, x2, y2, class: 'grid'}).forEach(e => l.setAttribute(...e)); g.append(l); };
  function draw() {
    let lo = Infinity, hi = -Infinity;
    for (let i = Math.ceil(a); i <= b; ++i)
      for (const v of [d.y[i], d.q[i] && d.q[i][0], d.q[i] && d.q[i][6]])
        if (v !== null && v !== undefined) { lo = Math.min(lo, v); hi = Math.max(hi, v); }
    if (!(lo <= hi)) { lo = d.lo; hi = d.hi; }
    const room = (hi - lo || Math.abs(hi) || 1) * 0.06; lo -= lo >= 0 && lo < room ? lo : room; hi += room;
    plot.setAttribute('viewBox', [a, place(hi), b - a, place(lo) - place(hi)].join(' '));
    gx.replaceChildren(); gy.replaceChildren();
    const step0 = (hi - lo) / 5, p = 10 ** Math.floor(Math.log10(step0));
    const step = [1, 2, 5, 10].map(f => f * p).find(s => s >= step0);
    for (let v = Math.ceil(lo / step) * step; v <= hi; v += step) {
      const y = T + H * (hi - v) / (hi - lo);
      line(gy, L, y, L + W, y); text(gy, L - 6, y + 4, short(Math.abs(v) < step / 1e6 ? 0 : v), 'end'); }
    const at = [], width = i => (d.l[i].length * 10 + 20) / W * (b - a);
    for (let k = 9; k >= 0; --k)
      for (let i = Math.ceil(a); i <= b; ++i)
        if (+d.k[i] === k && i - width(i) / 2 >= a && i + width(i) / 2 <= b
            && at.every(j => Math.abs(j - i) >= (width(i) + width(j)) / 2)) at.push(i);
    for (const i of at) {
      const x = L + W * (i - a) / (b - a);
      line(gx, x, T + H, x, T + H + 5); text(gx, x, T + H + 19, d.l[i], 'middle'); }
    hair.setAttribute('visibility', 'hidden'); caption.textContent = told; }
  function show(from, to) {
    const width = Math.min(n - 1, Math.max(4, to - from));
    a = Math.max(0, Math.min(n - 1 - width, from)); b = a + width; draw(); }
  function hover(e) {
    const r = svg.getBoundingClientRect(), x = (e.clientX - r.left) / r.width * svg.viewBox.baseVal.width;
    const i = Math.max(0, Math.min(n - 1, Math.round(a + (x - L) / W * (b - a))));
    const at = L + W * (i - a) / (b - a);
    hair.setAttribute('x1', at); hair.setAttribute('x2', at); hair.setAttribute('visibility', 'visible');
    caption.textContent = d.t[i] + ':  observed ' + short(d.y[i] ?? null) + (d.q[i] ? ',  median ' +
      short(d.q[i][3]) + ',  80 % ' + short(d.q[i][1]) + ' to ' + short(d.q[i][5]) + ',  95 % ' +
      short(d.q[i][0]) + ' to ' + short(d.q[i][6]) : ''); }
  let held = null;
  svg.addEventListener('pointerdown', e => { held = [e.clientX, a, b]; });
  window.addEventListener('pointerup', () => { held = null; });
  svg.addEventListener('pointermove', e => {
    if (held && e.buttons) {
      const by = (held[0] - e.clientX) / svg.getBoundingClientRect().width * (held[2] - held[1]);
      show(held[1] + by, held[2] + by); } else hover(e); });
  svg.addEventListener('pointerleave', () => {
    hair.setAttribute('visibility', 'hidden'); caption.textContent = told; });
  const bar = document.createElement('div'); bar.className = 'zoom';
  const button = (name, label, f) => {
    const b = document.createElement('button'); b.type = 'button'; b.textContent = name;
    b.setAttribute('aria-label', label); b.addEventListener('click', f); bar.append(b); };
  const zoom = f => () => { const c = (a + b) / 2, w = (b - a) / 2 * f; show(c - w, c + w); };
  const pan = f => () => show(a + f * (b - a), b + f * (b - a));
  button('+', 'zoom in', zoom(0.5)); button('−', 'zoom out', zoom(2));
  button('←', 'earlier', pan(-0.5)); button('→', 'later', pan(0.5));
  button('all', 'everything', () => show(0, n - 1)); button('reset', 'as at first', () => show(d.a, d.b));
  box.append(bar); draw(); }
)js";

}  // namespace tool::page
