import { Effect } from "effect"
import { probe } from "../src/Isolation.js"
import { make } from "../src/internal/sandbox/sandbox.js"
import { findInterpreters } from "../src/internal/sandbox/interpreterSearch.js"
import { spawn } from "node:child_process"
import * as Fs from "node:fs"
const victim = spawn("sleep", ["100"], { stdio: "ignore" })
const dir = Fs.mkdtempSync("/tmp/victim-"); Fs.writeFileSync(dir + "/f", "x", {mode:0o600})
const pyl = (c: string) => `/usr/bin/python3 -c '${c}'`
const tries: Record<string, string> = {
  prlimitCpu: pyl(`import resource; resource.prlimit(${victim.pid}, resource.RLIMIT_NOFILE, (0,0))`),
  renice: pyl(`import os; os.setpriority(os.PRIO_PROCESS, ${victim.pid}, 19)`),
  reniceUser: pyl(`import os; os.setpriority(os.PRIO_USER, os.getuid(), 18)`),
  sched: pyl(`import os; os.sched_setscheduler(${victim.pid}, os.SCHED_IDLE, os.sched_param(0))`),
  affinity: pyl(`import os; os.sched_setaffinity(${victim.pid}, [1])`),
  ionice: `ionice -c 3 -p ${victim.pid}`,
  chmod: `chmod 000 ${dir}/f`,
  touch: `touch -h -d 2001-01-01 ${dir}/f`,
  setxattr: pyl(`import os; os.setxattr("${dir}/f", "user.x", b"y")`),
  stat: `stat ${dir}/f`,
  inotify: pyl(`import ctypes,sys; l=ctypes.CDLL(None); fd=l.inotify_init(); sys.exit(0 if l.inotify_add_watch(fd, b"${dir}", 0xfff)>0 else 1)`),
  shmget: pyl(`import ctypes,sys; l=ctypes.CDLL(None); i=l.shmget(${0x7a7a},4096,0o1666); l.shmat.restype=ctypes.c_long; sys.exit(0 if i>=0 and l.shmat(i,0,0)!=-1 else 1)`),
  msgget: pyl(`import ctypes,sys; l=ctypes.CDLL(None); sys.exit(0 if l.msgget(${0x7b7b},0o1666)>=0 else 1)`),
  semget: pyl(`import ctypes,sys; l=ctypes.CDLL(None); sys.exit(0 if l.semget(${0x7c7c},1,0o1666)>=0 else 1)`),
  mq: pyl(`import ctypes,sys; l=ctypes.CDLL(None); sys.exit(0 if l.syscall(240,b"agbq",0o102,0o666,0)>=0 else 1)`),
  cmdline: `cat /proc/${victim.pid}/cmdline`,
  iouring: pyl(`import ctypes,sys; l=ctypes.CDLL(None); b=ctypes.create_string_buffer(200); sys.exit(0 if l.syscall(425,8,b)>=0 else 1)`),
  keyctl: pyl(`import ctypes,sys; l=ctypes.CDLL(None); sys.exit(0 if l.syscall(250,0,-3,0)>=0 else 1)`),
  pidfdOpen: pyl(`import os; os.pidfd_open(${victim.pid})`),
  oom: `echo 1000 > /proc/${victim.pid}/oom_score_adj`,
  comm: `echo x > /proc/${victim.pid}/comm`,
  tty: `echo > /dev/tty`,
  memfdExec: pyl(`import os; fd=os.memfd_create("x"); os.write(fd, b"#!/bin/sh\\necho hi"); os.execve(fd, ["x"], {})`),
  agentMem: `for p in /proc/[0-9]*; do grep -q agent.cjs $p/cmdline 2>/dev/null && ( exec 3<>$p/mem ) 2>/dev/null && exit 0; done; exit 1`,
}
const isolation = await Effect.runPromise(probe(process.argv[2] as any))
console.log(isolation.description)
await Effect.runPromise(Effect.gen(function*() {
  const interpreters = yield* findInterpreters(isolation.confinement)
  const s = yield* make({ isolation, interpreters })
  for (const [n, c] of Object.entries(tries)) {
    const r = yield* s.call({ op: "shell", command: `( ${c} ) 2>&1`, timeoutMs: 10000 })
    console.log(n.padEnd(12), (r.value as any).exitCode === 0 ? "SUCCEEDED" : "failed", Buffer.from(r.body).toString().trim().split("\n").at(-1)?.slice(0, 100))
  }
}).pipe(Effect.scoped))
console.log(Fs.readFileSync(`/proc/${victim.pid}/limits`, "utf8").match(/Max open files.*/)?.[0], Fs.statSync(dir + "/f").mode.toString(8))
victim.kill("SIGKILL"); Fs.rmSync(dir, { recursive: true })
