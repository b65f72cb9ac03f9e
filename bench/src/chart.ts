// Two charts as SVG, written by hand: no library, readable on light and dark pages alike.
import { type Bound, GOALS, type Goal } from "./goals.ts";
import type { Measured, Results } from "./run.ts";
import type { GrowthLine, PeerName } from "./scenarios.ts";
import { short } from "./statistics.ts";
import { GROWTH_TITLES, type GrowthStep, growthOf, ratioOf } from "./table.ts";

/** Colours that differ in lightness too, and hold on white and on black. */
export const COLOURS: Partial<Record<PeerName, string>> = {
  limit: "#8a8f98",
  redis: "#d64545",
  nats: "#3d8bfd",
  mosquitto: "#8e6bd8",
  ws: "#d98e04",
  "socket.io": "#2f9e6e",
  aedes: "#c2559d",
  "minecraft-protocol": "#7a6a52",
};

const STYLE = `<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .small { font-size: 11px; fill: #57606a }
  .head { font-weight: 600 }
  .line { stroke: #d0d7de } .one { stroke: #57606a }
  .ours { stroke: #0969da; fill: #0969da } .theirs { stroke: #8a8f98; fill: #8a8f98 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 }
    .line { stroke: #3d444d } .one { stroke: #9198a1 }
    .ours { stroke: #4493f8; fill: #4493f8 }
  }
</style>`;

/** Height of a line, and the width of all, in pixels. */
export const LANE = 20;
export const WIDTH = 960;
const LEFT = 300;
const FROM = 0.25;
const TO = 128;

/**
 * Every ratio of the goals on one scale, right is better: a dot for the median, a line from the lowest to the highest
 * round, a stroke for the goal. Where less is better the ratio is turned round.
 */
export function ratioChart(results: Results): string {
  const parts: string[] = [];
  let y = 56;
  for (const goal of GOALS) {
    const run = results.scenarios.filter((one) => goal.scenarios.includes(one.id));
    const shown = run.filter((one) => lane(one, goal, 0) !== "");
    if (shown.length === 0) continue;
    parts.push(text(8, y + 4, goal.row, "head"));
    y += LANE;
    for (const measured of shown) {
      parts.push(text(20, y + 4, measured.title), lane(measured, goal, y));
      y += LANE;
    }
    y += 6;
  }
  const ticks = [0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128].map((value) => {
    const at = x(value);
    const line = `<line class="${value === 1 ? "one" : "line"}" x1="${at}" x2="${at}" y1="44" y2="${y}"/>`;
    return line + text(at, y + 16, String(value), "small", "middle");
  });
  const names = Object.entries(COLOURS).map(([name, colour], index) => {
    const at = 12 + index * 110;
    return `<circle cx="${at}" cy="14" r="4" fill="${colour}"/>${text(at + 8, 18, name)}`;
  });
  const note = text(
    LEFT,
    36,
    "times the peer's work per CPU-second (latency, memory: turned round); right is better",
    "small",
  );
  return svg(WIDTH, y + 28, "Wireyard compared with other servers", [...names, note, ...ticks, ...parts]);
}

function x(ratio: number): number {
  const within = Math.min(Math.max(ratio, FROM), TO);
  return round(LEFT + (Math.log(within / FROM) / Math.log(TO / FROM)) * (WIDTH - LEFT - 24));
}

function lane(measured: Measured, goal: Goal, y: number): string {
  const isLessBetter = goal.measure !== "per_cpu_second";
  const turn = (value: number): number => (isLessBetter ? 1 / value : value);
  const marks = Object.entries(COLOURS).map(([name, colour]) => {
    const peer = name as PeerName;
    const ratio = ratioOf(measured, peer, goal.measure);
    if (!ratio || !Number.isFinite(ratio.median) || ratio.median <= 0) return "";
    const [from, to] = [x(turn(ratio.min)), x(turn(ratio.max))];
    const middle = x(turn(ratio.median));
    const range = `<line x1="${from}" x2="${to}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="2" opacity=".5"/>`;
    const dot = `<circle cx="${middle}" cy="${y}" r="4" fill="${colour}"><title>${escapeXml(name)} ${short(ratio.median)}</title></circle>`;
    return goalMark(goal.against[peer], colour, y, turn) + range + dot;
  });
  return marks.join("");
}

function goalMark(
  bound: Bound | undefined,
  colour: string,
  y: number,
  turn: (value: number) => number,
): string {
  if (!bound) return "";
  const at = x(turn("atLeast" in bound ? bound.atLeast : bound.atMost));
  return `<line x1="${at}" x2="${at}" y1="${y - 7}" y2="${y + 7}" stroke="${colour}" stroke-width="1.5"/>`;
}

const PANEL = { width: 300, height: 170, left: 52, top: 44 };

/** What a delivery costs as things grow, beside the yardstick; empty where no growth was measured. */
export function growthChart(results: Results): string {
  const lines = Object.keys(GROWTH_TITLES) as GrowthLine[];
  const panels = lines.map((line, index) => panel(GROWTH_TITLES[line], growthOf(results, line), index * 320));
  if (panels.every((one) => one === "")) return "";
  const names =
    `<circle class="ours" cx="12" cy="14" r="4"/>${text(20, 18, "Wireyard")}` +
    `<circle class="theirs" cx="100" cy="14" r="4"/>${text(108, 18, "limit")}` +
    text(160, 18, "µs of CPU time for each delivery; below, the ratio to the yardstick", "small");
  return svg(WIDTH + 10, 270, "Cost of a delivery as things grow", [names, ...panels]);
}

function panel(title: string, steps: readonly GrowthStep[], left: number): string {
  if (steps.length === 0) return "";
  const costs = steps.flatMap(({ ours, limit }) => [ours, limit]);
  const [low, high] = [Math.min(...costs) / 1.3, Math.max(...costs) * 1.3];
  const { width, height, top } = PANEL;
  const start = left + PANEL.left;
  const across = (index: number): number => {
    return round(start + 16 + (index * (width - PANEL.left - 32)) / Math.max(1, steps.length - 1));
  };
  const down = (cost: number): number =>
    round(top + height - (Math.log(cost / low) / Math.log(high / low)) * height);
  const curve = (name: string, of: (step: GrowthStep) => number): string => {
    const points = steps.map((step, index) => [across(index), down(of(step))] as const);
    const dots = points.map(([cx, cy]) => `<circle class="${name}" cx="${cx}" cy="${cy}" r="3"/>`);
    return `<polyline class="${name}" style="fill:none" stroke-width="2" points="${points.join(" ")}"/>${dots.join("")}`;
  };
  const marks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20].filter((value) => value >= low && value <= high);
  const grid = marks.map((value) => {
    const at = down(value);
    return `<line class="line" x1="${start}" x2="${left + width}" y1="${at}" y2="${at}"/>${text(start - 6, at + 4, String(value), "small", "end")}`;
  });
  const labels = steps.map(({ step, ratio }, index) => {
    const below = top + height + 16;
    return (
      text(across(index), below, String(step), "small", "middle") +
      text(across(index), below + 16, short(ratio), "small", "middle")
    );
  });
  return [
    text(left + 12, 36, title, "head"),
    ...grid,
    curve("theirs", (s) => s.limit),
    curve("ours", (s) => s.ours),
    ...labels,
  ].join("");
}

/** The whole picture. */
export function svg(width: number, height: number, title: string, parts: readonly string[]): string {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img">`;
  return `${[open, `<title>${escapeXml(title)}</title>`, STYLE, ...parts.filter(Boolean), "</svg>"].join("\n")}\n`;
}

/** Some words, at the left end of them but for another `anchor`. */
export function text(atX: number, atY: number, words: string, className = "", anchor = "start"): string {
  const kind = className ? ` class="${className}"` : "";
  return `<text x="${atX}" y="${atY}"${kind} text-anchor="${anchor}">${escapeXml(words)}</text>`;
}

/** A tenth of a pixel is enough. */
export function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(words: string): string {
  return words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
