#!/usr/bin/env node
/** `agb-local`. */
import { main } from "./LocalProgram.js"

const [, file = "", ...args] = process.argv

void main(args, "agb-local", [file])
