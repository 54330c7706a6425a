# The firewall: as root. SSH first, so that nobody locks himself out; {{port}}, where RT-Data itself listens, stays closed.
apt-get install --yes ufw
ufw default deny incoming
ufw default allow outgoing
ufw limit 22/tcp comment "SSH; another port, if it is another one here"
ufw allow 80/tcp comment "certbot and the way to https"
ufw allow 443/tcp comment "RT-Data's page, by nginx"
ufw --force enable
ufw status verbose
