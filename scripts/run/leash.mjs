// Loaded into the server before its own code (`--import`, by run.mjs). The channel to run.mjs carries nothing; it
// breaks when run.mjs is gone, by SIGKILL too. A server that nobody waits for any more then stops as on SIGTERM.
process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
// The channel alone does not keep the server alive.
process.channel?.unref();
