"""Networks only: what the losses and the training loops work on."""
