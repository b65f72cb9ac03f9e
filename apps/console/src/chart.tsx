import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Sample } from "./api.ts";
import { rate, short, timeOfDay } from "./words.ts";

type Measure = "received" | "delivered" | "sessions";

const MEASURES: Record<Measure, string> = {
  received: "Messages in, a second",
  delivered: "Messages out, a second",
  sessions: "Sessions",
};
const HEIGHT = 240;
/** What the time axis shows at least, in seconds. */
const LEAST_SPAN = 60;

/** The last minutes of each protocol, live. */
export function Chart({ names, samples }: { names: readonly string[]; samples: readonly Sample[] }) {
  const [measure, setMeasure] = useState<Measure>("received");
  const [at, setAt] = useState<number>();
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const data = seriesOf(measure, names.length, samples);

  // A new plot for other protocols, and for other colours.
  const scheme = useScheme();
  useEffect(() => {
    const element = place.current as HTMLDivElement;
    const made = new uPlot(optionsOf(element, names, setAt), [[]], element);
    const resized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resized.observe(element);
    plot.current = made;
    return () => {
      resized.disconnect();
      made.destroy();
    };
  }, [names.join(), scheme]);
  useEffect(() => plot.current?.setData(data as uPlot.AlignedData), [data, scheme]);

  const shown = at === undefined ? undefined : data[0]?.[at];
  return (
    <section class="card" aria-label="Live chart">
      <div class="bar">
        <h2>{MEASURES[measure]}</h2>
        <fieldset class="choice" aria-label="What the chart shows">
          {(Object.keys(MEASURES) as Measure[]).map((one) => (
            <button type="button" key={one} aria-pressed={one === measure} onClick={() => setMeasure(one)}>
              {{ received: "In", delivered: "Out", sessions: "Sessions" }[one]}
            </button>
          ))}
        </fieldset>
      </div>
      <div ref={place} class="plot" role="img" aria-label={`${MEASURES[measure]}, over the last minutes`} />
      <p class="legend">
        {names.map((name, i) => (
          <span key={name}>
            <i class={`swatch s${i}`} />
            {name}
            {shown !== undefined && <b> {rate(data[i + 1]?.[at as number] ?? 0)}</b>}
          </span>
        ))}
        <span class="when">{shown === undefined ? "last 5 minutes" : timeOfDay(shown * 1_000)}</span>
      </p>
    </section>
  );
}

/** Times in seconds, then the values of each protocol. */
function seriesOf(measure: Measure, protocols: number, samples: readonly Sample[]): number[][] {
  const data: number[][] = Array.from({ length: protocols + 1 }, () => []);
  for (const [i, sample] of samples.entries()) {
    const before = samples[i - 1];
    if (before === undefined) continue;
    const seconds = (sample.at - before.at) / 1_000;
    data[0]?.push(sample.at / 1_000);
    for (let p = 0; p < protocols; p++) {
      const now = sample.counts[p]?.[measure] ?? 0;
      const value = measure === "sessions" ? now : (now - (before.counts[p]?.[measure] ?? 0)) / seconds;
      data[p + 1]?.push(value);
    }
  }
  return data;
}

function optionsOf(
  element: HTMLElement,
  names: readonly string[],
  setAt: (at: number | undefined) => void,
): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--faint"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "12px system-ui, sans-serif",
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    padding: [12, 8, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { range: (_plot, min, max) => [Math.min(min, max - LEAST_SPAN), max] },
      y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] },
    },
    axes: [
      { ...axis, space: 80, size: 30, values: (_plot, splits) => splits.map((at) => timeOfDay(at * 1_000)) },
      { ...axis, size: 52, values: (_plot, splits) => splits.map((value) => short(value)) },
    ],
    series: [
      {},
      ...names.map((label, i) => ({ label, stroke: colour(`--s${i}`), width: 2, points: { show: false } })),
    ],
    hooks: { setCursor: [(plot) => setAt(plot.cursor.idx ?? undefined)] },
  };
}

/** Light or dark, as the system has it. */
function useScheme(): boolean {
  const query = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const changed = (): void => setDark(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
