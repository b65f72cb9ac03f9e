import { useEffect, useState } from "preact/hooks";
import { get, type Overview, type Sample } from "./api.ts";

/** What is known of the server. `gone`: it does not answer, and is asked again. */
export interface Live {
  state: "loading" | "live" | "gone";
  overview: Overview | undefined;
  samples: readonly Sample[];
  /** When the last answer came, in milliseconds since the epoch. */
  seenAt: number;
}

const EVERY_MS = 1_000;
/** As long as the server keeps them. */
const SAMPLES = 300;

/** Asks for the overview every second while the page is seen. */
export function useLive(): Live {
  const [live, setLive] = useState<Live>({ state: "loading", overview: undefined, samples: [], seenAt: 0 });
  useEffect(() => {
    let current = live;
    let timer: number | undefined;
    let asking = false;
    const ask = async (): Promise<void> => {
      clearTimeout(timer);
      if (document.hidden || asking) return;
      asking = true;
      try {
        const after = current.samples.at(-1)?.at ?? 0;
        current = merged(current, await get<Overview>(`/api/overview?after=${after}`));
      } catch {
        // Whatever it was: it is asked again, and the page says so.
        current = { ...current, state: "gone" };
      }
      asking = false;
      setLive(current);
      timer = setTimeout(ask, EVERY_MS);
    };
    void ask();
    document.addEventListener("visibilitychange", ask);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", ask);
    };
  }, []);
  return live;
}

function merged(live: Live, overview: Overview): Live {
  // Another process counts from zero again.
  const restarted = live.overview?.startedAt !== overview.startedAt;
  const samples = restarted ? overview.samples : [...live.samples, ...overview.samples].slice(-SAMPLES);
  return { state: "live", overview, samples, seenAt: Date.now() };
}

/** Each protocol's numbers a second over the last few seconds; `undefined` before there are two samples. */
export function ratesOf(samples: readonly Sample[]): { received: number; delivered: number }[] | undefined {
  const last = samples.at(-1);
  const first = samples.at(-4) ?? samples[0];
  if (last === undefined || first === undefined || first === last) return undefined;
  const seconds = (last.at - first.at) / 1_000;
  return last.counts.map(({ received, delivered }, i) => ({
    received: (received - (first.counts[i]?.received ?? 0)) / seconds,
    delivered: (delivered - (first.counts[i]?.delivered ?? 0)) / seconds,
  }));
}
