#!/usr/bin/env bash
# The suite over real kernel stacks, in a virtual machine: boots a Debian kernel in QEMU by software emulation (no KVM, no privileges), with this machine's files as
# its root, read-only under a layer in memory, and runs the tests of test/hw there. Exits with their code.
#
#   run.sh [part of a test file's name …]     run.sh -- <command line>     the command there, instead of the tests
#
# HW_TIMEOUT: seconds after which the machine is stopped (1200). TAPDIP_HW_CACHE: where the kernel is kept (~/.cache/tapdip/hw-virtual, 400 MB).
set -euo pipefail
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../..")
cache=${TAPDIP_HW_CACHE:-$HOME/.cache/tapdip/hw-virtual}
limit=${HW_TIMEOUT:-1200}
cd "$root"

# Not here, and said so: the tests count as skipped, which vitest itself reports.
skip() {
  echo "Real stacks: skipped, $1"
  [ "${command+set}" ] && exit 1
  exec npx vitest run --config vitest.hw.ts --reporter ./test/closing-line.ts
}
[ "${1:-}" = -- ] && shift && command="$*"
for tool in qemu-system-x86_64 busybox cpio depmod modprobe; do
  PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null || skip "$tool is not installed (apt-get install qemu-system-x86 busybox-static cpio kmod bluez bluez-test-tools usbip udev)"
done
mkdir -p "$cache"
"$here/kernel.sh" "$cache" || skip 'no Debian kernel could be fetched (apt-get download)'
version=$(cat "$cache/version")
[ "$cache/initramfs.gz" -nt "$here/init" ] && [ "$cache/initramfs.gz" -nt "$cache/version" ] || "$here/initramfs.sh" "$cache"

job=$(mktemp -d /tmp/tapdip-hw.XXXXXX)
trap 'rm -rf "$job"' EXIT
{
  printf 'export KERNEL_VERSION=%q MODULES=%q\ncd %q\n' "$version" "$cache/root/lib/modules/$version" "$root"
  cat "$here/guest.sh"
  if [ "${command+set}" ]; then printf '%s\n' "$command"
  else printf 'node_modules/.bin/vitest run --config vitest.hw.ts %s </dev/null\n' "$(printf '%q ' "$@")"; fi
} >"$job/main.sh"

# 9p: one share for the files, one for the exit code and the logs. q35 and a serial console: microvm was seen to hang.
start=$(date +%s)
timeout -k 5 "$limit" qemu-system-x86_64 -machine q35 -accel tcg,thread=multi,tb-size=512 -cpu max -m 2048 -smp 2 \
  -nodefaults -no-user-config -display none -no-reboot \
  -kernel "$cache/root/boot/vmlinuz-$version" -initrd "$cache/initramfs.gz" \
  -append 'console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off random.trust_cpu=on tsc=reliable nowatchdog' \
  -serial file:"$job/boot.log" \
  -fsdev local,id=files,path=/,security_model=none,readonly=on,multidevs=remap -device virtio-9p-pci,fsdev=files,mount_tag=files \
  -fsdev local,id=job,path="$job",security_model=none -device virtio-9p-pci,fsdev=job,mount_tag=job \
  -device virtio-serial-pci -chardev stdio,id=out,signal=off -device virtconsole,chardev=out -device virtio-rng-pci </dev/null || true
code=$(cat "$job/code" 2>/dev/null) || {
  echo "Real stacks: the virtual machine ended without a result, after $(($(date +%s) - start)) s of ${limit} s. Its last words:"
  tail -20 "$job/boot.log" 2>/dev/null || true
  exit 97
}
echo "Real stacks: $(($(date +%s) - start)) s in the virtual machine, exit code $code"
[ "$code" = 0 ] || tail -5 "$job/kernel.log" 2>/dev/null || true
exit "$code"
