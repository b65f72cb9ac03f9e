import { useEffect } from "preact/hooks";
import type { Overview } from "./api.ts";
import { Chart } from "./chart.tsx";
import { type Live, ratesOf, useLive } from "./live.ts";
import { Log } from "./log.tsx";
import { Rooms, Sessions, Users } from "./people.tsx";
import { SureButton } from "./sure-button.tsx";
import { count, megabytes, rate, short, span, timeOfDay } from "./words.ts";

export function Console() {
  const live = useLive();
  const { overview, samples } = live;
  useTitle(live);
  return (
    <>
      <Head live={live} />
      <main>
        {overview === undefined ? (
          <p class="card empty">
            {live.state === "gone" ? "The server does not answer yet." : "Asking the server…"}
          </p>
        ) : (
          <div class={live.state === "gone" ? "stale" : ""}>
            <Tiles overview={overview} live={live} />
            <div class="columns">
              <Chart names={overview.protocols.map(({ name }) => name)} samples={samples} />
              <Protocols overview={overview} live={live} />
            </div>
            <div class="columns">
              <Sessions overview={overview} />
              <div class="stack">
                <Rooms />
                <Users />
              </div>
            </div>
            <Log />
          </div>
        )}
      </main>
    </>
  );
}

function Head({ live: { state, overview, seenAt } }: { live: Live }) {
  const word = state === "live" ? overview?.state : state;
  return (
    <header>
      <h1>Wireyard</h1>
      {overview !== undefined && (
        <p class="about">
          <bdi>{overview.node}</bdi> · {overview.version} · up {span(overview.now - overview.startedAt)}
        </p>
      )}
      <p class={`state ${word}`} role="status">
        {word === "gone" && (
          <>
            The server does not answer
            {seenAt > 0 && <span class="wide"> since {timeOfDay(seenAt)}</span>}: trying again
          </>
        )}
        {word === "loading" && "Connecting"}
        {word === "serving" && "Serving"}
        {word === "draining" && "Draining: it closes its sessions and ends"}
      </p>
      <nav>
        {overview?.state === "serving" && state === "live" && (
          <SureButton
            label="Drain"
            about="the server: close all sessions and end"
            path="/api/drain"
            done={() => {}}
          />
        )}
        <form method="post" action="/logout">
          <button type="submit">Log out</button>
        </form>
      </nav>
    </header>
  );
}

function Tiles({ overview, live }: { overview: Overview; live: Live }) {
  const rates = ratesOf(live.samples) ?? [];
  const sum = (of: "received" | "delivered"): number => rates.reduce((total, one) => total + one[of], 0);
  const { process, refused } = overview;
  return (
    <dl class="tiles">
      <Tile name="Sessions" value={count(overview.sessions)} note={`of ${count(overview.maxConnections)}`} />
      <Tile name="Users" value={count(overview.users)} note="logged in" />
      <Tile name="Rooms" value={count(overview.rooms)} note="on this node" />
      <Tile name="In" value={rate(sum("received"))} note="messages/s" />
      <Tile name="Out" value={rate(sum("delivered"))} note="messages/s" />
      <Tile name="Refused" value={short(refused.total + refused.address + refused.rate)} note="connections" />
      <Tile name="Loop delay" value={`${count(process.loopDelayMs)} ms`} note="worst of 10 s" />
      <Tile name="Memory" value={megabytes(process.rssBytes)} note={`${cpu(live)} of a CPU`} />
    </dl>
  );
}

function Tile({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div class="card">
      <dt>{name}</dt>
      <dd>
        {value} <small>{note}</small>
      </dd>
    </div>
  );
}

/** What the process has used of one CPU since it started. */
function cpu({ overview }: Live): string {
  if (overview === undefined) return "";
  const seconds = (overview.now - overview.startedAt) / 1_000;
  return seconds > 0 ? `${Math.round((100 * overview.process.cpuSeconds) / seconds)} %` : "0 %";
}

function Protocols({ overview, live }: { overview: Overview; live: Live }) {
  const rates = ratesOf(live.samples);
  return (
    <section class="card" aria-label="Protocols">
      <div class="bar">
        <h2>Protocols</h2>
      </div>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Protocol</th>
              <th scope="col" class="number">
                Sessions
              </th>
              <th scope="col" class="number">
                In/s
              </th>
              <th scope="col" class="number">
                Out/s
              </th>
              <th scope="col" class="number">
                In, total
              </th>
            </tr>
          </thead>
          <tbody>
            {overview.protocols.map(({ name, ports, sessions, received, slowReaders }, i) => (
              <tr key={name}>
                <th scope="row">
                  <i class={`swatch s${i}`} />
                  {name}
                  <small>
                    {Object.entries(ports)
                      .map(([transport, port]) => `${transport} ${port}`)
                      .join(" · ")}
                    {slowReaders > 0 && ` · ${count(slowReaders)} slow readers cut`}
                  </small>
                </th>
                <td class="number">{count(sessions)}</td>
                <td class="number">{rate(rates?.[i]?.received ?? 0)}</td>
                <td class="number">{rate(rates?.[i]?.delivered ?? 0)}</td>
                <td class="number">{short(received)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** The page's tab tells as much as its head. */
function useTitle({ state, overview }: Live): void {
  const title =
    state === "gone"
      ? "Gone · Wireyard"
      : `${overview === undefined ? "" : `${count(overview.sessions)} · `}Wireyard`;
  useEffect(() => {
    document.title = title;
  }, [title]);
}
