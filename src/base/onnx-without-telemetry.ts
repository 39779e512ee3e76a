/*
 * Imported before onnxruntime, which reads this once when it is loaded. From 1.30 on its builds for
 * Linux and macOS record sessions in a database in the user's cache folder and send them to their
 * maker, unless they are told not to. A server that decides payments talks to nobody by itself.
 */
process.env.ORT_DISABLE_TELEMETRY = '1';

export {};
