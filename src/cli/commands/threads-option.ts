/** What `--threads` says of itself. */
export const THREADS_HELP = 'threads that compute features; values are the same with any number (default: one a core)';
