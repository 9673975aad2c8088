"""Hosts out of network, UTS and mount namespaces: a head and some nodes on a bridge, reaching nobody else.

A folder that they share may be a mount of its own on each of them, by a program that serves it (bindfs): what another
host has written comes late, and the mount may hang, or be gone.
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

NODES = (1, 2)
NAMESPACES = ("unshare", "--net", "--uts", "--mount", "--propagation=private")  # of each host
FUSE = "/dev/fuse"
SLURM_CONF = """ClusterName=lab
SlurmctldHost=node0(10.77.0.10)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
ReturnToService=2
SlurmdTimeout=20
SlurmctldTimeout=20
KillWait=5
InactiveLimit=0
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
NodeName=node1 NodeHostname=node1 NodeAddr=10.77.0.11 CPUs=2 RealMemory=256 State=UNKNOWN
NodeName=node2 NodeHostname=node2 NodeAddr=10.77.0.12 CPUs=2 RealMemory=256 State=UNKNOWN
PartitionName=main Nodes=node[1-2] Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""
SSHD_CONF = """Port 2222
ListenAddress 10.77.0.1{node}
HostKey {folder}/hostkey
AuthorizedKeysFile {folder}/key.pub
StrictModes no
UsePAM no
PermitRootLogin yes
PidFile none
"""
SSH_CONF = """Host node1
 HostName 10.77.0.11
Host node2
 HostName 10.77.0.12
Host *
 Port 2222
 User {user}
 IdentityFile {folder}/key
 StrictHostKeyChecking no
 UserKnownHostsFile /dev/null
 LogLevel ERROR
"""


def lacks(*programs: str) -> str:
    """Why there can be no lab here, "" if there can."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [each for each in ("ip", "nsenter", "unshare", *programs) if shutil.which(each, path=path) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: iproute2, util-linux, bindfs, openssh-server, slurm-wlm)"
    tried = subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False)
    return "" if tried.returncode == 0 else "this machine allows no namespaces"


def lacks_mounts() -> str:
    """Why hosts can have no mounts of their own, "" if they can: in a container there may be no device for them."""
    if why := lacks("bindfs", "mountpoint"):
        return why
    try:
        os.close(os.open(FUSE, os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"{FUSE}: {error.strerror}"
    return ""


# seconds for which a host believes what it knows of a file, or that there is none: as the 3 s of NFS to a lease of 15
LATE = ",".join(f"{each}=0.5" for each in ("attr_timeout", "entry_timeout", "negative_timeout", "ac_attr_timeout"))
LACKS_MOUNTS = lacks_mounts()
LACKS_SSH, LACKS_SLURM = lacks("sshd", "ssh", "ssh-keygen"), lacks("slurmctld", "slurmd", "srun", "munged")


class Lab:
    """The hosts, and what was started on them, until `close`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._name = f"pt{os.getpid()}x"
        self._daemons: list[subprocess.Popen[bytes]] = []
        self._slurmds: dict[int, subprocess.Popen[bytes]] = {}
        self._servers: dict[int, subprocess.Popen[bytes]] = {}  # of the folder that is shared
        self._shared = ""
        self.env = os.environ | {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"}
        head = f"{self._name}0"
        self._ip("netns", "add", head)
        self._ip("-n", head, "link", "set", "lo", "up")
        self._ip("-n", head, "link", "add", "br0", "type", "bridge")
        self._ip("-n", head, "addr", "add", "10.77.0.10/24", "dev", "br0")
        self._ip("-n", head, "link", "set", "br0", "up")
        for node in NODES:
            there = f"{self._name}{node}"
            self._ip("netns", "add", there)
            self._ip("-n", there, "link", "set", "lo", "up")
            self._ip("-n", head, "link", "add", f"v{node}", "type", "veth", "peer", "name", "eth0", "netns", there)
            self._ip("-n", head, "link", "set", f"v{node}", "master", "br0")
            self._ip("-n", head, "link", "set", f"v{node}", "up")
            self._ip("-n", there, "addr", "add", f"10.77.0.1{node}/24", "dev", "eth0")
            self._ip("-n", there, "link", "set", "eth0", "up")
        self._keepers = {node: self._mounts_of_its_own() for node in (0, *NODES)}

    def _mounts_of_its_own(self) -> int:
        """The process that keeps a mount namespace."""
        keeper = self._daemon(["unshare", "--mount", "--propagation=private", "sleep", "infinity"]).pid
        while os.readlink(f"/proc/{keeper}/ns/mnt") == os.readlink("/proc/self/ns/mnt"):
            time.sleep(0.001)
        return keeper

    def _ip(self, *words: str) -> None:
        subprocess.run(["ip", *words], check=True, env=self.env, capture_output=True)

    def on(self, node: int) -> list[str]:
        """The command behind which another one runs on this host."""
        there = f"--net=/run/netns/{self._name}{node} --mount=/proc/{self._keepers[node]}/ns/mnt"
        named = f'hostname node{node}; cd "$0" && exec "$@"'  # as who enters a mount namespace is in its root
        return ["sh", "-c", f'exec nsenter {there} unshare --uts sh -c \'{named}\' "$(pwd -P)" "$@"', "sh"]

    def say(self, *words: str) -> str:
        """What a command on the head has to say."""
        done = subprocess.run(
            [*self.on(0), *words], env=self.env, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout.strip()

    def cut(self, node: int, *, heal: bool = False) -> None:
        """Let packets of a host get lost, or through again."""
        self._ip("-n", f"{self._name}0", "link", "set", f"v{node}", "up" if heal else "down")

    def share(self, folder: Path) -> None:
        """Let each host have this folder on a mount of its own."""
        self._shared = str(folder)
        for node in (0, *NODES):
            self.attach(node)

    @property
    def shares(self) -> bool:
        """Whether there is such a folder."""
        return bool(self._shared)

    def attach(self, node: int) -> None:
        """Mount it there, the first time or again."""
        if node in self._servers:
            subprocess.run([*self.on(node), "umount", "--lazy", self._shared], check=True, cwd="/")
        served = ["bindfs", "-f", "--enable-lock-forwarding", "--multithreaded", "-o", LATE, self._shared, self._shared]
        self._servers[node] = self._daemon([*self.on(node), *served], cwd="/")
        self._until([*self.on(node), "mountpoint", "-q", self._shared])

    def detach(self, node: int) -> bool:
        """Let whatever is open there fail from now on, until it is attached again; whether it was there."""
        server = self._servers[node]
        there = server.poll() is None
        server.kill()
        server.wait()
        return there

    def hang(self, node: int, *, go_on: bool = False) -> None:
        """Let whoever reads or writes there wait, or go on."""
        with suppress(ProcessLookupError):
            self._servers[node].send_signal(signal.SIGCONT if go_on else signal.SIGSTOP)

    def start_ssh(self) -> str:
        """An sshd on each node; the command that leads there, but for the node."""
        for name in ("key", "hostkey"):
            make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)]
            subprocess.run(make, check=True)
        Path("/run/sshd").mkdir(exist_ok=True)
        (self.folder / "ssh.conf").write_text(SSH_CONF.format(folder=self.folder, user=getpass.getuser()))
        sshd = shutil.which("sshd", path=self.env["PATH"])
        assert sshd is not None
        for node in NODES:
            conf = self.folder / f"sshd{node}.conf"
            conf.write_text(SSHD_CONF.format(folder=self.folder, node=node))
            self._daemon([*self.on(node), sshd, "-D", "-f", str(conf)])
        ssh = f"ssh -F {self.folder}/ssh.conf -o BatchMode=yes"
        for node in NODES:
            self._until([*self.on(0), *ssh.split(), f"node{node}", "true"])
        return ssh

    def start_slurm(self) -> None:
        """Munge, a slurmctld on the head, a slurmd on each node; SLURM_CONF in `env`."""
        munge = self.folder / "munge"
        munge.mkdir(mode=0o755)
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (key := munge / "key").write_bytes(os.urandom(1024))
        key.chmod(0o400)
        conf = self.folder / "slurm.conf"
        conf.write_text(SLURM_CONF.format(folder=self.folder))
        self.env["SLURM_CONF"] = str(conf)
        files = [f"--{name}={munge}/{file}" for name, file in MUNGE]
        self._daemon(["munged", "--foreground", "--force", *files])
        self._until(["munge", "-n", f"--socket={munge}/socket"])
        self._daemon([*self.on(0), "slurmctld", "-D", "-f", str(conf)])
        for node in NODES:
            self.start_slurmd(node)
        self._until([*self.on(0), "sh", "-c", f"[ $(sinfo -h -t idle -o %D) = {len(NODES)} ]"])

    def start_slurmd(self, node: int) -> None:
        """The daemon of a node, the first or the next one."""
        conf = self.folder / "slurm.conf"
        command = [*self.on(node), "slurmd", "-D", "-f", str(conf), "-N", f"node{node}"]
        self._slurmds[node] = self._daemon(command)

    def kill_slurmd(self, node: int) -> bool:
        """Kill the daemon of a node; what it has started goes on. Whether it was there."""
        there = self._slurmds[node].poll() is None
        self._slurmds[node].kill()
        self._slurmds[node].wait()
        return there

    def _daemon(self, command: Sequence[str], cwd: str | None = None) -> subprocess.Popen[bytes]:
        with open(self.folder / "daemons.log", "ab") as log:
            daemon = subprocess.Popen(
                command, env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=cwd
            )
        self._daemons.append(daemon)
        return daemon

    def _until(self, command: Sequence[str]) -> None:
        deadline = time.monotonic() + 60
        while subprocess.run(command, env=self.env, capture_output=True, check=False, timeout=60).returncode != 0:
            assert time.monotonic() < deadline, (self.folder / "daemons.log").read_text()[-2000:]
            time.sleep(0.1)

    def close(self) -> None:
        """End what was started, and the hosts."""
        for node in self._servers:
            self.hang(node, go_on=True)
        for daemon in reversed(self._daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self._daemons:
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        for node in (0, *NODES):
            with suppress(subprocess.CalledProcessError):
                self._ip("netns", "del", f"{self._name}{node}")


MUNGE = (
    ("key-file", "key"),
    ("socket", "socket"),
    ("pid-file", "pid"),
    ("log-file", "log"),
    ("seed-file", "seed"),
)
