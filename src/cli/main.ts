#!/usr/bin/env node
import { runProgram } from './program.ts';

// A reader that has seen enough (`| head`) ends the program quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

// Progress and notes that nobody reads any more are no reason to leave a command in its midst.
process.stderr.on('error', () => {});

process.exitCode = await runProgram(process.argv.slice(2));
