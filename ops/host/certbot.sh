# A certificate for {{server_name}}, and its renewal: as root, after `apt install nginx` and before the site is put in its place.
# The name must lead here already, with port 80 open (ufw and router). Debian's own nginx page answers the question of the certifier.
apt-get install --yes certbot
certbot certonly --webroot --webroot-path /var/www/html --domain {{server_name}} --agree-tos --register-unsafely-without-email --non-interactive --deploy-hook "systemctl reload nginx"
# Renewed twice a day by a timer, when it is due; this only tries it.
certbot renew --dry-run
systemctl list-timers certbot.timer --no-pager
