/**
 * What holds a channel open, in Perl 5 with nothing but the modules of the smallest installation (Debian's perl-base), for sessions
 * without Python; see `driver.ts` for what it does. Numbers of system calls and requests are those of Linux.
 */
import { quote } from "../shell.js"
import type { Driver } from "./driver.js"

const decode = String.raw`
sub decode {
  my $text = shift;
  $text =~ tr#A-Za-z0-9+/##cd;
  $text =~ tr#A-Za-z0-9+/# -_#;
  my $bytes = "";
  $bytes .= unpack "u", chr(32 + length($1) * 3 / 4) . $1 while $text =~ /(.{1,60})/gs;
  $bytes;
}
`.trim()

const setup = String.raw`
use strict;
use Fcntl;
use POSIX ();

${decode}

my ($directory) = @ARGV;
my $cwd = POSIX::getcwd();
my ($kind, $columns, $rows, $count, @fields) = split /\0/, decode(join "", <STDIN>), -1;
my @argv = splice @fields, 0, $count;
chdir $directory or die "chdir: $!\n";

sub fail {
  my ($name) = @_;
  open my $file, ">", "failed.new" or die "failed: $!\n";
  print $file "$name ($!)";
  close $file;
  rename "failed.new", "failed";
  exit 1;
}

my $is_terminal = $kind eq "terminal";
my ($sink, $slave, %letters, %sources, %ends);

sub resize {
  my ($columns, $rows) = @_;
  ioctl $sink, 0x5414, pack "S4", $rows, $columns, 0, 0;
}

sub open_terminal {
  sysopen $sink, "/dev/ptmx", O_RDWR | O_NOCTTY or fail("pseudo-terminals");
  my $number = pack "i", 0;
  ioctl $sink, 0x40045431, $number and ioctl $sink, 0x80045430, $number or fail("pseudo-terminals");
  sysopen $slave, "/dev/pts/" . unpack("i", $number), O_RDWR | O_NOCTTY or fail("pseudo-terminals");
  $sources{fileno $sink} = $sink;
  resize($columns, $rows);
  my $modes = POSIX::Termios->new;
  $modes->getattr(fileno $slave);
  $modes->setiflag($modes->getiflag | 040000);
  $modes->setattr(fileno $slave, POSIX::TCSANOW());
}

sub open_pipes {
  for my $letter ("O", "E", "V") {
    pipe my $ours, my $theirs or die "pipe: $!\n";
    ($sources{fileno $ours}, $letters{fileno $ours}, $ends{$letter}) = ($ours, $letter, $theirs);
  }
  pipe $ends{R}, $sink or die "pipe: $!\n";
  open $ends{I}, "<", "/dev/null" or die "/dev/null: $!\n";
}

$is_terminal ? open_terminal() : open_pipes();
POSIX::mkfifo("calls.new", 0600) or fail("named pipes");
sysopen my $calls, "calls.new", O_RDWR | O_NONBLOCK or fail("named pipes");

sub shell {
  for my $folder (split /:/, $ENV{PATH} // "/usr/bin:/bin") { return "$folder/bash" if -x "$folder/bash" }
  "sh";
}

sub become {
  POSIX::setsid();
  $SIG{$_} = "DEFAULT" for qw(PIPE XFSZ INT QUIT HUP CHLD);
  my @order = @ends{"I", "O", "E", "R", "V"};
  if ($is_terminal) {
    ioctl $slave, 0x540e, 0;
    @order = ($slave) x 3;
    delete @ENV{"LINES", "COLUMNS"};
    $ENV{TERM} = "xterm-256color";
  }
  my %known = ('@shell' => shell(), '@directory' => $directory);
  for (@fields) {
    my ($name, $value) = split /=/, $_, 2;
    $ENV{$name} = $value;
  }
  my @high = map { fcntl $_, 1030, 64 } @order;
  POSIX::dup2($high[$_], $_) for 0 .. $#high;
  chdir $cwd;
  @argv = map { $known{$_} // $_ } @argv;
  exec { $argv[0] } @argv;
  my $failure = "$argv[0]: $!\n";
  POSIX::write(2, $failure, length $failure);
  POSIX::_exit(127);
}

sub unblock { fcntl $_[0], F_SETFL, fcntl($_[0], F_GETFL, 0) | O_NONBLOCK }

my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
sub now { (POSIX::times())[0] / $ticks }

pipe my $wakes, my $wake or die "pipe: $!\n";
unblock($_) for $wakes, $wake;
$SIG{CHLD} = sub { syswrite $wake, "x" };
$SIG{PIPE} = "IGNORE";
my $begun = now();
my $child = fork;
defined $child or die "fork: $!\n";
become() if $child == 0;
%ends = ();
unblock($_) for values %sources, $sink;
rename "calls.new", "calls";
`

const state = String.raw`
my ($OUTPUT, $INPUT, $PIECE, $QUIET) = (1 << 20, 1 << 18, 1 << 16, 0.5);
my ($log, $base, $pending, $received, $last_write, $announced) = ("", 0, "", 0, "", "");
my (%signals, @waiting, $status, $quiet_at, $finished);
my @names = qw(
  0 HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM
  STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
);

sub name_of { "SIG" . ($names[$_[0]] // $_[0]) }

sub reap {
  return if defined $status;
  return if waitpid($child, POSIX::WNOHANG()) == 0;
  my @words = $? & 127 ? (128 + ($? & 127), name_of($? & 127)) : ($? >> 8, "-");
  $status = join " ", @words, int((now() - $begun) * 1000);
  $quiet_at = now() + $QUIET;
  undef $slave;
}

sub finish {
  drop($_) for keys %sources;
  undef $sink;
  $finished = 1;
}

sub drop {
  my ($fd) = @_;
  my $source = delete $sources{$fd};
  undef $sink if $is_terminal;
  close $source;
}

# Whether there was something.
sub take {
  my ($fd) = @_;
  my $letter = $letters{$fd};
  my $length = sysread $sources{$fd}, my $data, $PIECE;
  return 0 if !defined $length && $!{EAGAIN};
  return drop($fd) && 0 if !$length;
  if (($letter // "") eq "V") {
    for my $other (grep { $letters{$_} ne "V" } keys %sources) {
      1 while $sources{$other} && take($other);
    }
  }
  $log .= $letter . pack "N", $length if defined $letter;
  $log .= $data;
  $quiet_at = now() + $QUIET if defined $quiet_at;
  1;
}

sub feed {
  my $length = syswrite $sink, $pending, $PIECE;
  if (defined $length) { substr $pending, 0, $length, "" }
  elsif (!$!{EAGAIN}) { $pending = "" }
}
`

const requests = String.raw`
# Whether a file can be read, or written, within ten seconds.
sub can {
  my ($file, $writes) = @_;
  my $until = now() + 10;
  while (now() < $until) {
    my $bits = "";
    vec($bits, fileno $file, 1) = 1;
    my $found = $writes ? select undef, $bits, undef, 10 : select $bits, undef, undef, 10;
    return $found > 0 if $found >= 0;
  }
  0;
}

sub reply {
  my ($out, $words, $data) = @_;
  my $rest = "$words\n" . ($data // "");
  while ($rest ne "" && can($out, 1)) {
    my $length = syswrite $out, $rest;
    defined $length ? substr($rest, 0, $length, "") : last;
  }
  close $out;
}

sub read_output {
  my ($now, $until, $offset, $most) = @_;
  return "moved $base" if $offset < $base || $offset > $base + length $log;
  substr $log, 0, $offset - $base, "";
  $base = $offset;
  my $is_last = $finished && length $log <= $most;
  return if $log eq "" && !$is_last && $now < $until;
  my $data = substr $log, 0, $most;
  ("read " . length($data) . " " . ($is_last && defined $status ? "ended $status" : "more"), $data);
}

sub write_input {
  my ($now, $until, $name, $offset, $data) = @_;
  if ($name ne $last_write) {
    return "moved $received" if $offset != $received;
    return "ended" if !defined $sink || defined $status;
    if (length $pending > $INPUT) { return $now < $until ? () : "full" }
    $pending .= $data;
    ($received, $last_write) = ($received + length $data, $name);
  }
  "at $received";
}

sub leave {
  my ($now, $until) = @_;
  return if !defined $status && $now < $until;
  defined $status ? "ended $status" : "waiting";
}

sub send_signal {
  my ($name, $signal) = @_;
  return "unknown" if !grep { $_ eq $signal } @names;
  if (!$signals{$name}++) {
    kill $signal, -$child or kill $signal, $child if !defined $status;
  }
  "sent";
}

sub change_size {
  resize(@_) if defined $sink;
  "resized";
}

# When it must be answered at the latest, and what answers a request, when it is called with the time.
sub handle {
  my ($data, $name, @args) = @_;
  my $now = now();
  my $until = $name =~ /^(read|write|exit)$/ ? $now + $args[-1] / 1000 : $now;
  return ($until, sub { read_output($_[0], $until, @args[0, 1]) }) if $name eq "read";
  return ($until, sub { write_input($_[0], $until, @args[0, 1], $data) }) if $name eq "write";
  return ($until, sub { leave($_[0], $until) }) if $name eq "exit";
  return ($until, sub { "at $received" }) if $name eq "at";
  return ($until, sub { change_size(@args) }) if $name eq "resize";
  ($until, sub { send_signal(@args) });
}

# The bytes and the words of a request.
sub receive {
  my ($in) = @_;
  my $request = "";
  while (1) {
    if ($request =~ /^(\d+) (.*)\n/) {
      my $data = substr $request, $+[0];
      return ($data, split / /, $2) if length $data >= $1;
    }
    return if !can($in, 0);
    sysread $in, $request, $PIECE, length $request or return;
  }
}

sub accept_calls {
  sysread $calls, $announced, $PIECE, length $announced;
  while ($announced =~ s/^(.*)\n//) {
    my $name = $1;
    sysopen my $in, "$name.in", O_RDONLY | O_NONBLOCK or next;
    sysopen my $out, "$name.out", O_WRONLY | O_NONBLOCK or next;
    my @request = receive($in) or next;
    push @waiting, [$out, handle(@request)];
  }
}

sub answer {
  my ($now, @left) = now();
  for my $entry (@waiting) {
    my @found = $entry->[2]($now);
    @found ? reply($entry->[0], @found) : push @left, $entry;
  }
  @waiting = @left;
}
`

const loop = String.raw`
while (1) {
  reap();
  $quiet_at = now() + $QUIET if defined $quiet_at && length $log >= $OUTPUT;
  finish() if !$finished && defined $status && (!%sources || now() > $quiet_at);
  answer();
  my $is_full = length $log >= $OUTPUT;
  my ($in, $out) = ("", "");
  # The writing end of a pipe counts as readable when nobody reads it any more.
  vec($in, fileno $_, 1) = 1 for $wakes, $calls, map { $_->[0] } @waiting;
  if (!$is_full) { vec($in, $_, 1) = 1 for keys %sources }
  vec($out, fileno $sink, 1) = 1 if $pending ne "" && defined $sink;
  my @times = map { $_->[1] } @waiting;
  push @times, $quiet_at if defined $quiet_at && !$finished && !$is_full;
  my ($first) = sort { $a <=> $b } @times;
  my $limit = defined $first ? $first - now() + 0.01 : undef;
  my $found = select $in, $out, undef, defined $limit && $limit < 0 ? 0 : $limit;
  next if $found < 0;
  sysread $wakes, my $ignored, 4096 if vec($in, fileno $wakes, 1);
  feed() if $pending ne "" && defined $sink && vec($out, fileno $sink, 1);
  for my $fd (keys %sources) { take($fd) if $sources{$fd} && vec($in, $fd, 1) }
  @waiting = grep { !vec($in, fileno $_->[0], 1) } @waiting;
  accept_calls() if vec($in, fileno $calls, 1);
}
`

const program = [setup, state, requests, loop].map((part) => part.trim()).join("\n\n")

const client = String.raw`
use strict;
use Fcntl;
use POSIX ();

${decode}

sub encode {
  my ($bytes) = @_;
  my $text = "";
  while ($bytes =~ /(.{1,45})/gs) { $text .= substr pack("u", $1), 1; chop $text }
  $text =~ tr#${"`"} -_#AA-Za-z0-9+/#;
  my $padding = (3 - length($bytes) % 3) % 3;
  $text =~ s/.{$padding}$/"=" x $padding/e if $padding;
  $text;
}

my ($words, $data) = ($ARGV[0], decode($ARGV[1]));
my $name = "$$." . int(rand(1e9)) . int(rand(1e9));
my $reply = "";
sub call {
  sysopen my $calls, "calls", O_WRONLY | O_NONBLOCK or return;
  POSIX::mkfifo("$name.$_", 0600) or return for "in", "out";
  sysopen my $to, "$name.in", O_RDWR or return;
  sysopen my $from, "$name.out", O_RDONLY | O_NONBLOCK or return;
  syswrite $calls, "$name\n" or return;
  my $rest = length($data) . " $words\n$data";
  substr $rest, 0, syswrite($to, $rest) // return, "" while $rest ne "";
  while (1) {
    my $in = "";
    vec($in, fileno $_, 1) = 1 for $calls, $from;
    next if select($in, undef, undef, undef) < 0;
    sysread $from, $reply, 65536, length $reply or return;
  }
}
call();
unlink "$name.in", "$name.out";
my ($head, $body) = $reply =~ /\n/ ? split /\n/, $reply, 2 : ("lost", "");
print "agb $head\n", encode($body), "\nagb done\n";
`.trim()

export const perlDriver: Driver = {
  name: "perl",
  start: `perl -C0 -e ${quote(program)}`,
  request: `exec perl -C0 -e ${quote(client)}`
}
