/**
 * The seccomp filter of a sandbox, as a classic BPF program: a deny list of system calls that programs in a sandbox do not
 * need and exploits do. It is assembled here, so that libseccomp is not required.
 */
import { Buffer } from "node:buffer"

interface Architecture {
  readonly audit: number
  readonly denied: ReadonlyArray<number>
  readonly clone: number
  readonly socket: number
  readonly ioctl: number
  readonly prctl: number
  readonly shmget: number
  readonly memfdCreate: number
  /** System V and POSIX IPC, which is shared by the whole machine. */
  readonly ipc: ReadonlyArray<number>
  /** Calls whose first argument is the target process; 0 is the caller. */
  readonly onProcess: ReadonlyArray<number>
  readonly setpriority: number
  readonly ioprioSet: number
  readonly setrlimit: number
  readonly prlimit: number
  /** What sets and removes extended attributes of files. */
  readonly xattr: ReadonlyArray<number>
  readonly asyncIo: number
  /** Numbers from here on belong to another ABI of the same processor (x32). */
  readonly foreignFrom: number | undefined
}

/** Calls added since Linux 5.1, which have the same number on every architecture. */
const recent = [
  425, // io_uring_setup
  426, // io_uring_enter
  427, // io_uring_register
  428, // open_tree
  429, // move_mount
  430, // fsopen
  431, // fsconfig
  432, // fsmount
  433, // fspick
  438, // pidfd_getfd
  440, // process_madvise
  442, // mount_setattr
  443, // quotactl_fd
  447, // memfd_secret
  448, // process_mrelease
  467 // open_tree_attr
]

const clone3 = 435

/** setxattrat and removexattrat, which have the same numbers on every architecture too. */
const recentXattr = [463, 466]

// dprint-ignore
const x64: Architecture = {
  audit: 0xc000003e, clone: 56, socket: 41, ioctl: 16, prctl: 157, shmget: 29, memfdCreate: 319, foreignFrom: 0x40000000,
  denied: [
    101, 310, 311, 312,                          // ptrace, process_vm_readv, process_vm_writev, kcmp
    248, 249, 250,                               // add_key, request_key, keyctl
    321, 298, 323, 300,                          // bpf, perf_event_open, userfaultfd, fanotify_init
    165, 166, 155, 161, 272, 308,                // mount, umount2, pivot_root, chroot, unshare, setns
    303, 304,                                    // name_to_handle_at, open_by_handle_at
    246, 320, 169, 167, 168,                     // kexec_load, kexec_file_load, reboot, swapon, swapoff
    174, 175, 176, 177, 178, 313,                // create_, init_, delete_module, get_kernel_syms, query_, finit_module
    103, 134, 139, 153, 154, 156, 163, 179, 180, // syslog, uselib, sysfs, vhangup, modify_ldt, _sysctl, acct, quotactl, nfsservctl
    159, 164, 227, 305, 170, 171,                // adjtimex, settimeofday, clock_settime, clock_adjtime, sethostname, setdomainname
    172, 173, 212, 256, 279                      // iopl, ioperm, lookup_dcookie, migrate_pages, move_pages
  ],
  ipc: [
    29, 30, 31, 67, 64, 65, 66, 220,             // shmget, shmat, shmctl, shmdt, semget, semop, semctl, semtimedop
    68, 69, 70, 71, 240, 241                     // msgget, msgsnd, msgrcv, msgctl, mq_open, mq_unlink
  ],
  onProcess: [142, 144, 203, 314],               // sched_setparam, _setscheduler, _setaffinity, _setattr
  setpriority: 141, ioprioSet: 251, setrlimit: 160, prlimit: 302, asyncIo: 206,
  xattr: [188, 189, 190, 197, 198, 199]          // set-, lset-, fset-, remove-, lremove-, fremovexattr
}

// dprint-ignore
const arm64: Architecture = {
  audit: 0xc00000b7, clone: 220, socket: 198, ioctl: 29, prctl: 167, shmget: 194, memfdCreate: 279, foreignFrom: undefined,
  denied: [
    117, 270, 271, 272,                          // ptrace, process_vm_readv, process_vm_writev, kcmp
    217, 218, 219,                               // add_key, request_key, keyctl
    280, 241, 282, 262,                          // bpf, perf_event_open, userfaultfd, fanotify_init
    40, 39, 41, 51, 97, 268,                     // mount, umount2, pivot_root, chroot, unshare, setns
    264, 265,                                    // name_to_handle_at, open_by_handle_at
    104, 294, 142, 224, 225,                     // kexec_load, kexec_file_load, reboot, swapon, swapoff
    105, 106, 273,                               // init_module, delete_module, finit_module
    116, 58, 89, 60, 42,                         // syslog, vhangup, acct, quotactl, nfsservctl
    171, 170, 112, 266, 161, 162,                // adjtimex, settimeofday, clock_settime, clock_adjtime, sethostname, setdomainname
    18, 238, 239                                 // lookup_dcookie, migrate_pages, move_pages
  ],
  ipc: [
    194, 196, 195, 197, 190, 193, 191, 192,      // shmget, shmat, shmctl, shmdt, semget, semop, semctl, semtimedop
    186, 189, 188, 187, 180, 181                 // msgget, msgsnd, msgrcv, msgctl, mq_open, mq_unlink
  ],
  onProcess: [118, 119, 122, 274],               // sched_setparam, _setscheduler, _setaffinity, _setattr
  setpriority: 140, ioprioSet: 30, setrlimit: 164, prlimit: 261, asyncIo: 0,
  xattr: [5, 6, 7, 14, 15, 16]                   // set-, lset-, fset-, remove-, lremove-, fremovexattr
}

const architectures: Record<string, Architecture> = { x64, arm64 }

const load = 0x20
const equal = 0x15
const atLeast = 0x35
const anyBit = 0x45
const answer = 0x06

const killProcess = 0x80000000
const allow = 0x7fff0000
const errno = (code: number) => 0x00050000 | code
const EPERM = 1
const EINVAL = 22
const ENOSYS = 38
const EOPNOTSUPP = 95
const EAFNOSUPPORT = 97

const CLONE_NEWUSER = 0x10000000
const TIOCSTI = 0x5412
const TIOCLINUX = 0x541c

/** AF_UNIX, AF_INET, AF_INET6 and AF_NETLINK, which resolvers need. Not AF_VSOCK, which no namespace isolates, nor AF_ALG. */
const usualFamilies = [1, 2, 10, 16]

/**
 * System V segments outlive their processes and cannot be seen from outside, so larger ones are denied. There are at most
 * 4096, and programs that need shared memory for more than a lock use another kind.
 */
const largestSegment = 64 * 1024

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number]

const firstArgument = 16
const secondArgument = 24
const thirdArgument = 32

/** Runs `body` when the call is `number`; its last instruction returns. */
const onCall = (number: number, body: ReadonlyArray<Instruction>): ReadonlyArray<Instruction> => [
  [equal, 0, body.length, number],
  ...body
]

const denyCall = (number: number, code: number) => onCall(number, [[answer, 0, 0, errno(code)]])

/** Allows the call only with these argument values. */
const onlyWith = (number: number, wanted: ReadonlyArray<readonly [argument: number, value: number]>) =>
  onCall(number, [
    ...wanted.flatMap(([argument, value], index): ReadonlyArray<Instruction> => [
      [load, 0, 0, argument],
      [equal, 0, 2 * (wanted.length - index) - 1, value]
    ]),
    [answer, 0, 0, allow],
    [answer, 0, 0, errno(EPERM)]
  ])

/** RLIMIT_RTTIME: the limit that marks the processes of a session, since it means nothing to those without realtime rights. */
export const markLimit = 15

/** A process may set its own limits, but for its mark, and read that. */
const denyMarking = ({ prlimit, setrlimit }: Architecture): ReadonlyArray<Instruction> => [
  ...onCall(setrlimit, [
    [load, 0, 0, firstArgument],
    [equal, 0, 1, markLimit],
    [answer, 0, 0, errno(EPERM)],
    [answer, 0, 0, allow]
  ]),
  ...onCall(prlimit, [
    [load, 0, 0, firstArgument],
    [equal, 0, 6, itself],
    [load, 0, 0, secondArgument],
    [equal, 0, 5, markLimit],
    [load, 0, 0, thirdArgument],
    [equal, 0, 2, 0],
    [load, 0, 0, thirdArgument + 4],
    [equal, 1, 0, 0],
    [answer, 0, 0, errno(EPERM)],
    [answer, 0, 0, allow]
  ])
]

const itself = 0
const ofProcess = { setpriority: 0, ioprioSet: 1 }

/** Denies what affects other processes of the user, or outlives the session, where no namespace isolates them. */
const denyOthers = (arch: Architecture): ReadonlyArray<Instruction> => [
  ...arch.ipc.flatMap((number) => denyCall(number, EPERM)),
  ...denyMarking(arch),
  ...[...arch.xattr, ...recentXattr].flatMap((number) => denyCall(number, EOPNOTSUPP)),
  ...arch.onProcess.flatMap((number) => onlyWith(number, [[firstArgument, itself]])),
  ...onlyWith(arch.setpriority, [[firstArgument, ofProcess.setpriority], [secondArgument, itself]]),
  ...onlyWith(arch.ioprioSet, [[firstArgument, ofProcess.ioprioSet], [secondArgument, itself]])
]

const program = (
  arch: Architecture,
  families: ReadonlyArray<number>,
  others: ReadonlyArray<Instruction>
): ReadonlyArray<Instruction> => [
  [load, 0, 0, 4],
  [equal, 1, 0, arch.audit],
  [answer, 0, 0, killProcess],
  [load, 0, 0, 0],
  ...(arch.foreignFrom === undefined
    ? []
    : [[atLeast, 0, 1, arch.foreignFrom], [answer, 0, 0, errno(ENOSYS)]] as ReadonlyArray<Instruction>),
  // Its flags are in memory, which a filter cannot read. With ENOSYS the C library falls back to clone.
  ...denyCall(clone3, ENOSYS),
  // Their number is limited for the whole machine. With ENOSYS programs do without.
  ...denyCall(arch.asyncIo, ENOSYS),
  ...[...arch.denied, ...recent].flatMap((number) => denyCall(number, EPERM)),
  ...others,
  ...onCall(arch.clone, [
    [load, 0, 0, firstArgument],
    [anyBit, 0, 1, CLONE_NEWUSER],
    [answer, 0, 0, errno(EPERM)],
    [answer, 0, 0, allow]
  ]),
  ...onCall(arch.socket, [
    [load, 0, 0, firstArgument],
    ...families.map((family, index): Instruction => [equal, families.length - index, 0, family]),
    [answer, 0, 0, errno(EAFNOSUPPORT)],
    [answer, 0, 0, allow]
  ]),
  ...onCall(arch.shmget, [
    [load, 0, 0, secondArgument + 4],
    [equal, 0, 2, 0],
    [load, 0, 0, secondArgument],
    [atLeast, 0, 1, largestSegment + 1],
    [answer, 0, 0, errno(EINVAL)],
    [answer, 0, 0, allow]
  ]),
  ...onCall(arch.ioctl, [
    [load, 0, 0, secondArgument],
    [equal, 1, 0, TIOCSTI],
    [equal, 0, 1, TIOCLINUX],
    [answer, 0, 0, errno(EPERM)],
    [answer, 0, 0, allow]
  ]),
  [answer, 0, 0, allow]
]

export interface SystemCallFilter {
  readonly program: Buffer
  /** Number of the call that installs the program. */
  readonly prctl: number
  readonly setrlimit: number
}

/** What the filter permits. Each defaults to true. */
export interface FilterOptions {
  /** Sockets. False, for sandboxes without a network namespace, leaves only socket pairs. */
  readonly sockets?: boolean
  /**
   * Changes to other processes and to attributes of files of this user, and System V IPC. False is for sandboxes without
   * namespaces.
   */
  readonly others?: boolean
  /** memfd_create. False is for hosts that cannot account for memory that no process maps. */
  readonly memoryFiles?: boolean
}

/** The filter for an architecture as Node names it; undefined where none has been written. */
export const systemCallFilter = (
  arch: string,
  { memoryFiles = true, others = true, sockets = true }: FilterOptions = {}
): SystemCallFilter | undefined => {
  const known = architectures[arch]
  if (known === undefined) return undefined
  const instructions = program(known, sockets ? usualFamilies : [], [
    ...(memoryFiles ? [] : denyCall(known.memfdCreate, ENOSYS)),
    ...(others ? [] : denyOthers(known))
  ])
  const bytes = Buffer.alloc(8 * instructions.length)
  instructions.forEach(([code, ifTrue, ifFalse, operand], index) => {
    bytes.writeUInt16LE(code, 8 * index)
    bytes.writeUInt8(ifTrue, 8 * index + 2)
    bytes.writeUInt8(ifFalse, 8 * index + 3)
    bytes.writeUInt32LE(operand >>> 0, 8 * index + 4)
  })
  return { program: bytes, prctl: known.prctl, setrlimit: known.setrlimit }
}
