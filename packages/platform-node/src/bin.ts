#!/usr/bin/env node
/** `agb-local`. */
import { main } from "./LocalProgram.js"

void main(process.argv.slice(2))
