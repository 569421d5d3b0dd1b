#!/usr/bin/env bash
# Makes the first root file system of the virtual machine: busybox, the modules that reach the files of this machine, in the order of their needs, and `init`.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
cache=$1
version=$(cat "$cache/version")
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree"/{bin,dev,proc,sys,files,layer,new,modules}
cp "$(command -v busybox)" "$tree/bin/busybox"
for module in virtio_pci 9pnet_virtio 9p overlay virtio_console; do
  /sbin/modprobe -d "$cache/root" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
  cp "$file" "$tree/modules/"
  basename "$file" >>"$tree/modules/order"
done
install -m 755 "$here/init" "$tree/init"
(cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$cache/initramfs.gz"
