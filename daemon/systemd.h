/* Tells systemd how we are (sd_notify(3)); nothing happens when it did not start us. */
#ifndef SYSTEMD_H
#define SYSTEMD_H

void notify_ready(void);
void notify_reloading(void);
void notify_stopping(void);

#endif
