"""Real engines between hosts that are network namespaces of this machine: sshd, Slurm."""
