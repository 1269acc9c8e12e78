#!/usr/bin/env bash
# A run on two machines of eight GPUs each; settings and run lie on a folder that both see.
#
#     sbatch examples/clusters/slurm.sh my-task.yaml /shared/runs/my-task
#
# Slurm's SIGTERM, before the time is over or for a job that goes first, ends the run in order. Submitted again, or
# requeued, it goes on, with other numbers of machines and GPUs too.
#SBATCH --job-name=tutelage
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --mem=0
#SBATCH --time=24:00:00
#SBATCH --signal=TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%j.out
set -euo pipefail

config=${1:?the YAML file with the settings}
out=${2:?the folder of the run}
mapfile -t machines < <(scontrol show hostnames "$SLURM_JOB_NODELIST")

# The environment of `make install`, in the checkout in which the job was submitted.
# shellcheck source=/dev/null
. .venv/bin/activate
# srun does not take --cpus-per-task over from sbatch since Slurm 22.05: all processes of a machine would share a core.
srun --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" torchrun \
    --nnodes "$SLURM_NNODES" --nproc_per_node "$SLURM_GPUS_ON_NODE" \
    --rdzv_backend c10d --rdzv_id "$SLURM_JOB_ID" --rdzv_endpoint "${machines[0]}:29400" \
    -m tutelage run "$config" --out "$out"
