#!/bin/sh
# Lets in SSH, HTTP and HTTPS, and nothing else. Sluice itself listens on 127.0.0.1 and needs no
# rule; nor does PostgreSQL on the same machine.
#   sudo apt install ufw && sudo sh ufw.sh
# Another port of SSH: SSH_PORT=2222 sh ufw.sh
set -eu

ssh_port=${SSH_PORT:-22}
# SSH first, so that whoever is signed in by it stays so.
ufw limit "$ssh_port/tcp" comment 'SSH, at most 6 connections in 30 s of one address'
ufw allow 80/tcp comment 'HTTP: the redirect and certbot'
ufw allow 443/tcp comment 'HTTPS'
ufw default deny incoming
ufw default allow outgoing
ufw --force enable
ufw status verbose
