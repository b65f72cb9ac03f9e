import { useState } from "preact/hooks";
import type { LogRow } from "./api.ts";
import { List } from "./list.tsx";
import { otherDay, timeOfDay } from "./words.ts";

const LEVELS = ["debug", "info", "warn", "error"];

/** The last lines of the log, as many as the server keeps. */
export function Log() {
  const [level, setLevel] = useState("");
  const [text, setText] = useState("");
  return (
    <List<LogRow>
      title="Log"
      path="/api/log"
      query={{ ...(level !== "" && { level }), ...(text !== "" && { text }) }}
      empty={level === "" && text === "" ? "Nothing was logged." : "No line is like that."}
      tools={
        <div class="tools">
          <select aria-label="Level" value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            <option value="">All levels</option>
            {LEVELS.map((one) => (
              <option key={one} value={one}>
                {one} and worse
              </option>
            ))}
          </select>
          <input
            type="search"
            placeholder="Text"
            aria-label="Text"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
        </div>
      }
      head={
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Level</th>
          <th scope="col">Message</th>
        </tr>
      }
      row={({ id, at, level, message, fields: { err, ...fields } }) => (
        <tr key={id}>
          <th scope="row" class="time">
            {timeOfDay(at)}
            {otherDay(at) && <small>{otherDay(at)}</small>}
          </th>
          <td class={`level ${level}`}>{level}</td>
          <td class="line">
            <bdi>{message}</bdi>
            <Fields fields={fields} />
            <Problem error={err as Partial<Error> | undefined} />
          </td>
        </tr>
      )}
    />
  );
}

function Fields({ fields }: { fields: Record<string, unknown> }) {
  const words = Object.entries(fields).map(
    ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return words.length === 0 ? null : (
    <small>
      <bdi>{words.join(" · ")}</bdi>
    </small>
  );
}

/** An error, as pino writes it. */
function Problem({ error }: { error: Partial<Error> | undefined }) {
  if (error === undefined) return null;
  return (
    <details>
      <summary>
        <bdi>{error.message}</bdi>
      </summary>
      <pre>{error.stack}</pre>
    </details>
  );
}
