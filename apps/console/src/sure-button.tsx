import { useEffect, useState } from "preact/hooks";
import { post } from "./api.ts";

const SURE_MS = 4_000;

/** A button that asks back before it does something that cannot be undone. */
export function SureButton({
  label,
  about,
  path,
  done,
}: {
  label: string;
  /** What it is done to, for those who do not see the row. */
  about: string;
  path: string;
  done: () => void;
}) {
  const [state, setState] = useState<"idle" | "asking" | "busy">("idle");
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    if (state !== "asking") return;
    const timer = setTimeout(() => setState("idle"), SURE_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const click = async (): Promise<void> => {
    if (state !== "asking") {
      setState("asking");
      return;
    }
    setState("busy");
    try {
      await post(path);
      setProblem(undefined);
      done();
    } catch (error) {
      setProblem((error as Error).message);
    }
    setState("idle");
  };
  return (
    <>
      {problem !== undefined && <span role="alert">{problem} </span>}
      <button
        type="button"
        class={state === "asking" ? "danger" : ""}
        disabled={state === "busy"}
        onClick={click}
        aria-label={state === "asking" ? `Really ${label.toLowerCase()} ${about}?` : `${label} ${about}`}
      >
        {state === "asking" ? "Sure?" : label}
      </button>
    </>
  );
}
