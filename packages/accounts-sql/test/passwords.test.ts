import { expect, test } from "vitest";
import { hashPassword, nobodysHash, verifyPassword } from "../src/passwords.ts";

// From the reference implementation, github.com/P-H-C/phc-winner-argon2, src/test.c.
const VECTORS = [
  {
    password: "password",
    phc: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
  },
  {
    password: "password",
    phc: "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
  },
  {
    password: "password",
    phc: "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
  },
  {
    password: "differentpassword",
    phc: "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94",
  },
  {
    password: "password",
    phc: "$argon2id$v=19$m=65536,t=2,p=1$ZGlmZnNhbHQ$vfMrBczELrFdWP0ZsfhWsRPaHppYdP3MVEMIVlqoFBw",
  },
];

test.each(VECTORS)("the reference implementation's hash $phc is verified", async ({ password, phc }) => {
  expect(await verifyPassword(password, phc)).toBe(true);
  expect(await verifyPassword(`${password} `, phc)).toBe(false);
});

test("a hash is a PHC string of argon2id with 19 MiB, two passes, one lane and a salt of its own", async () => {
  const [one, two] = await Promise.all([hashPassword("secret"), hashPassword("secret")]);
  for (const phc of [one, two, nobodysHash()]) {
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  }
  expect(one).not.toBe(two);
  expect(await verifyPassword("secret", one)).toBe(true);
  expect(await verifyPassword("Secret", one)).toBe(false);
  expect(await verifyPassword("secret", nobodysHash())).toBe(false);
});

test.each([
  "",
  "secret",
  "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR",
  "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR",
  "$argon2id$v=19$m=256,t=2$c29tZXNhbHQ$nf65EOgLrQMR",
  "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
])("a stored string that is no argon2id hash (%j) is an error that shows nothing", async (phc) => {
  const error = await verifyPassword("hunter2", phc).catch((error: Error) => error);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toBe("a stored password is no argon2id PHC string");
});

test("a password of a wrong type never shows in an error", async () => {
  const phc = await hashPassword("secret");
  const hunter = 271828 as unknown as string;
  expect(await verifyPassword(hunter, phc)).toBe(false);
});
