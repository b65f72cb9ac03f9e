import { COLOURS, LANE, round, svg, text, WIDTH } from "../chart.ts";
import type { Measured, Results } from "../run.ts";
import type { NodesName } from "../scenarios.ts";
import { short } from "../statistics.ts";
import { askedIn, type Cost, costOf, NODES_TITLES } from "./table.ts";

const LEFT = 290;
const RIGHT = 150;
const HEIGHT = 12;

/** What a delivery costs, a bar for each server: its nodes, then their Redis. Each scenario has a scale of its own. */
export function nodesChart(results: Results): string {
  const parts: string[] = [];
  let y = 56;
  for (const measured of results.scenarios) {
    parts.push(text(8, y + 4, measured.title, "head"));
    y += LANE;
    for (const bar of bars(measured)) {
      parts.push(draw(bar, y));
      y += LANE;
    }
    y += 8;
  }
  const legend = [
    `<circle class="ours" cx="12" cy="14" r="4"/>${text(20, 18, "Wireyard's nodes")}`,
    `<circle cx="142" cy="14" r="4" fill="${COLOURS["socket.io"]}"/>${text(150, 18, "socket.io's nodes")}`,
    `<circle cx="272" cy="14" r="4" fill="${COLOURS.redis}"/>${text(280, 18, "their Redis")}`,
    text(8, 36, "µs of CPU time for each delivery, all processes together; shorter is better", "small"),
  ];
  return svg(WIDTH, y, "Cost of a delivery on one node and on several", [...legend, ...parts]);
}

interface Bar {
  readonly name: NodesName;
  readonly cost: Cost;
  /** Pixels for each microsecond. */
  readonly scale: number;
}

function bars(measured: Measured): Bar[] {
  const costs = askedIn(measured).flatMap((name) => {
    const cost = costOf(measured, name);
    return cost ? [{ name, cost }] : [];
  });
  const longest = Math.max(...costs.map(({ cost }) => cost.nodes + cost.engine));
  return costs.map((one) => ({ ...one, scale: (WIDTH - LEFT - RIGHT) / longest }));
}

function draw({ name, cost, scale }: Bar, y: number): string {
  const isOurs = name.startsWith("wireyard");
  const nodes = round(cost.nodes * scale);
  const engine = round(cost.engine * scale);
  const rect = (x: number, width: number, paint: string): string =>
    `<rect x="${x}" y="${y - HEIGHT / 2}" width="${width}" height="${HEIGHT}" ${paint}/>`;
  const hasEngine = cost.engine > 0;
  const figures = short(cost.nodes) + (hasEngine ? ` + ${short(cost.engine)}` : "");
  return [
    text(20, y + 4, NODES_TITLES[name]),
    rect(LEFT, nodes, isOurs ? 'class="ours" style="stroke:none"' : `fill="${COLOURS["socket.io"]}"`),
    hasEngine ? rect(LEFT + nodes, engine, `fill="${COLOURS.redis}"`) : "",
    text(round(LEFT + nodes + engine + 6), y + 4, `${figures} µs`, "small"),
  ].join("");
}
