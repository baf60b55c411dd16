// Plots as SVG, both axes of lines and the one of bars logarithmic.
const COLORS = ['#4e79a7', '#f28e2b', '#59a14f', '#b07aa1', '#e15759', '#9c755f', '#76b7b2', '#ff9da7'];
const FONT = 'font-family="sans-serif" font-size="12"', LINE = 'stroke="#8888" stroke-width="1"';

const escaped = text => String(text).replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);
const label = (x, y, text, rest = '') => `<text x="${x}" y="${y}" fill="#777" ${rest}>${escaped(text)}</text>`;
const rule = (x1, y1, x2, y2) => `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${LINE}/>`;
const round = n => Math.round(n * 10) / 10;
const short = n => n >= 1e6 ? `${n / 1e6} M` : n >= 1000 ? `${n / 1000} k` : String(+n.toPrecision(2));
const svg = (width, height, parts) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" `
  + `width="${width}" height="${height}" ${FONT}>\n${parts.join('\n')}\n</svg>\n`;

/** A logarithmic axis over the values: its marks, and the place of a value between 0 and length. */
function axis(values, length) {
  const known = values.filter(value => value > 0);
  const low = Math.floor(Math.log10(Math.min(...known))), high = Math.ceil(Math.log10(Math.max(...known))) || 1;
  const steps = high - low < 3 ? [1, 2, 5] : [1];
  const span = Math.max(1, high - low);
  const marks = Array.from({ length: span }, (_, i) => steps.map(step => step * 10 ** (low + i))).flat();
  return { marks: [...marks, 10 ** (low + span)], at: value => round((Math.log10(value) - low) / span * length) };
}
const legend = (names, y) => names.map((name, i) =>
  `<rect x="${10 + i * 125}" y="${y - 10}" width="10" height="10" fill="${COLORS[i]}"/>`
  + label(25 + i * 125, y, name));

/** @param groups each with a label and its value of each name; values that aren't numbers are left out */
export function bars(title, groups) {
  const names = Object.keys(groups[0].of), left = 20, top = 60, thick = 14, length = 700;
  const { marks, at } = axis(groups.flatMap(({ of }) => Object.values(of)), length);
  const height = groups.length * (names.length * thick + 34), parts = [label(left, 20, title), ...legend(names, 42)];
  for (const mark of marks) {
    parts.push(rule(left + at(mark), top, left + at(mark), top + height));
    parts.push(label(left + at(mark), top + height + 16, short(mark), 'text-anchor="middle"'));
  }
  groups.forEach((group, i) => {
    const y = top + i * (names.length * thick + 34) + 20;
    parts.push(label(left + 4, y - 4, group.label));
    names.forEach((name, k) => {
      const value = group.of[name], width = Math.max(1, at(value));
      if (!(value > 0)) return;
      parts.push(`<rect x="${left}" y="${y + k * thick}" width="${width}" height="${thick - 2}" fill="${COLORS[k]}"/>`);
      parts.push(label(left + width + 4, y + k * thick + 10, value.toFixed(2)));
    });
  });
  return svg(Math.max(800, 10 + names.length * 125), top + height + 24, parts);
}

/** @param panels side by side, each with a label and, of each name, its values at xs */
export function lines(title, xs, panels) {
  const names = Object.keys(panels[0].of), top = 70, width = 320, height = 240, x = axis(xs, width);
  const parts = [...legend(names, 20)];
  panels.forEach((panel, p) => {
    const left = 60 + p * (width + 70), y = axis(Object.values(panel.of).flat(), height);
    parts.push(label(left, top - 16, panel.label));
    parts.push(label(left + width / 2, top + height + 34, title, 'text-anchor="middle"'));
    for (const mark of y.marks) {
      parts.push(rule(left, top + height - y.at(mark), left + width, top + height - y.at(mark)));
      parts.push(label(left - 6, top + height - y.at(mark) + 4, short(mark), 'text-anchor="end"'));
    }
    for (const n of xs) parts.push(label(left + x.at(n), top + height + 16, short(n), 'text-anchor="middle"'));
    names.forEach((name, k) => {
      const points = xs.map((value, i) => [left + x.at(value), round(top + height - y.at(panel.of[name][i]))])
        .filter(([, at]) => Number.isFinite(at));
      parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${COLORS[k]}" stroke-width="2"/>`);
      for (const [cx, cy] of points) parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${COLORS[k]}"/>`);
    });
  });
  return svg(Math.max(60 + panels.length * (width + 70), 10 + names.length * 125), top + height + 44, parts);
}
