import type { Secret } from "@wireyard/session";
import { z } from "zod";
import { BACKPLANE_FORMS, backplaneTarget } from "./backplane-url.ts";
import { secretUrl } from "./secrets.ts";

/** What every key of the configuration tells about itself, for messages and for the table in the README. */
export interface KeyMeta {
  /** What it means, with its unit. */
  description: string;
  /** What may be given. */
  allowed: string;
}

/** The most of anything, and as milliseconds less than a timer can hold. */
const MAX_COUNT = 1_000_000_000;
const ACCOUNTS = /^(sqlite:.+|postgres(ql)?:\/\/.+)$/;

export function leaf<Schema extends z.ZodType>(
  schema: Schema,
  fallback: z.output<Schema>,
  allowed: string,
  description: string,
): z.ZodDefault<Schema> {
  // zod's type for a default cannot be written for every schema at once; `fallback` has the right one.
  const withDefault = schema.default(fallback as never) as z.ZodDefault<Schema>;
  return withDefault.meta({ description, allowed } satisfies KeyMeta);
}

export function port(fallback: number | null, description: string): z.ZodDefault<z.ZodNullable<z.ZodInt>> {
  const schema = z.int().min(0).max(65_535).nullable();
  return leaf(schema, fallback, "a port from 0 to 65535 (0 takes a free one), or null", description);
}

export function wholeNumber(
  fallback: number,
  description: string,
  { min = 0, max = MAX_COUNT }: { min?: number; max?: number } = {},
): z.ZodDefault<z.ZodInt> {
  return leaf(z.int().min(min).max(max), fallback, `a whole number from ${min} to ${max}`, description);
}

export function milliseconds(fallback: number, description: string, min = 1): z.ZodDefault<z.ZodInt> {
  return wholeNumber(fallback, description, { min });
}

export function wholeNumberOrNull(
  fallback: number | null,
  description: string,
  min: number,
): z.ZodDefault<z.ZodNullable<z.ZodInt>> {
  const schema = z.int().min(min).max(MAX_COUNT).nullable();
  return leaf(schema, fallback, `a whole number from ${min} to ${MAX_COUNT}, or null`, description);
}

export function flag(fallback: boolean, description: string): z.ZodDefault<z.ZodBoolean> {
  return leaf(z.boolean(), fallback, "true or false", description);
}

export function text(fallback: string, description: string): z.ZodDefault<z.ZodString> {
  return leaf(z.string().min(1).max(1_000), fallback, "text of 1 to 1000 characters", description);
}

export function textOrNull(
  fallback: string | null,
  description: string,
): z.ZodDefault<z.ZodNullable<z.ZodString>> {
  return leaf(z.string().min(1).max(1_000).nullable(), fallback, "text, or null", description);
}

export function texts(description: string): z.ZodDefault<z.ZodArray<z.ZodString>> {
  return leaf(z.array(z.string().min(1)), [], "a list of texts, such as [a, b]", description);
}

/** Origins, as browsers send them: scheme, host and port, and nothing behind. */
export function origins(description: string): z.ZodDefault<z.ZodArray<z.ZodString>> {
  const origin = z
    .string()
    .refine((text) => /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text);
  return leaf(
    z.array(origin),
    [],
    "a list of origins, such as [https://a.example, http://b.example:8080]",
    description,
  );
}

export function oneOf<const Name extends string>(
  names: readonly Name[],
  fallback: NoInfer<Name>,
  description: string,
): z.ZodDefault<z.ZodEnum<{ [K in Name]: K }>> {
  return leaf(z.enum(names), fallback, `one of ${names.join(", ")}`, description);
}

/** It may hold a password: the configuration has it as a secret, which shows the rest. */
export function accounts(fallback: string, description: string): z.ZodDefault<z.ZodType<Secret, string>> {
  return leaf(
    z.string().regex(ACCOUNTS).transform(secretUrl),
    secretUrl(fallback),
    "sqlite:FILE, sqlite::memory: or postgres://USER:PASSWORD@HOST/DATABASE",
    description,
  );
}

export function backplane(description: string): z.ZodDefault<z.ZodNullable<z.ZodType<Secret, string>>> {
  const schema = z.string().refine(isBackplane).transform(secretUrl).nullable();
  return leaf(schema, null, BACKPLANE_FORMS, description);
}

function isBackplane(text: string): boolean {
  try {
    backplaneTarget(text);
    return true;
  } catch {
    return false;
  }
}
