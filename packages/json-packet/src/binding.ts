/** What `bindAction` makes of a handler: one that gets data as its schema has them, or is called once. */
import type { ActionHandler } from "./actions.ts";

/**
 * A validator of any library that keeps to Standard Schema, version 1: Zod, Valibot, ArkType and others.
 *
 * @see https://standardschema.dev
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a validator gives: the data, perhaps converted, or what is wrong with them. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** The type of data that a schema gives. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

export interface BindOptions<Schema extends StandardSchema> {
  /** Checks the data of each packet; the handler gets what it gives. Default: any data. */
  schema?: Schema;
  /** Whether the handler is unbound with the first packet it gets; what was bound before is bound again. */
  once?: boolean;
}

/** A packet that its action does not take. */
export class DeclinedError extends Error {
  readonly code: "missing_field" | "unknown_action";

  constructor(code: "missing_field" | "unknown_action", message: string) {
    super(message);
    this.name = "DeclinedError";
    this.code = code;
  }
}

/** Longest part of a validator's message that is passed on, in UTF-16 code units. */
const MAX_ISSUE_LENGTH = 200;

/**
 * Puts what `options` ask for around a handler.
 *
 * @param unbind takes the handler off its action
 * @see checkBinding, which comes first
 */
export function bindHandler<Connection, Schema extends StandardSchema>(
  name: string,
  handler: ActionHandler<Connection, SchemaOutput<Schema>>,
  { schema, once = false }: BindOptions<Schema>,
  unbind: () => void,
): ActionHandler<Connection> {
  const inner = once ? callOnce(name, handler, unbind) : handler;
  if (schema === undefined) return inner as ActionHandler<Connection>;
  const { validate } = schema["~standard"];
  return (data, connection, packet) => {
    const result = validate(data);
    const run = (checked: SchemaResult<unknown>): unknown =>
      inner(checkedData(checked) as SchemaOutput<Schema>, connection, packet);
    return isPromise(result) ? result.then(run) : run(result);
  };
}

export function isPromise<T>(value: unknown): value is PromiseLike<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

function callOnce<Connection, Data>(
  name: string,
  handler: ActionHandler<Connection, Data>,
  unbind: () => void,
): ActionHandler<Connection, Data> {
  let state: "bound" | "spent" = "bound";
  return (data, connection, packet) => {
    // Two packets may have been with a validator at a time.
    if (state === "spent") throw unknownAction(name);
    state = "spent";
    unbind();
    return handler(data, connection, packet);
  };
}

export function unknownAction(name: string): DeclinedError {
  return new DeclinedError("unknown_action", `no handler is bound to the action "${name.slice(0, 64)}"`);
}

/** @throws {DeclinedError} `missing_field`, which names the place and what would be right [JSON-5.8] */
function checkedData(result: SchemaResult<unknown>): unknown {
  if (result.issues === undefined) return result.value;
  const [issue] = result.issues;
  const path = ["data", ...(issue?.path ?? []).map(segmentOf)].join(".");
  throw new DeclinedError(
    "missing_field",
    `${path}: ${issue?.message ?? "not what the action takes"}`.slice(0, MAX_ISSUE_LENGTH),
  );
}

function segmentOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === "object" ? segment.key : segment);
}
