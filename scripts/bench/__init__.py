"""`make bench`: our loops beside others', the same networks and batches, side by side in one run."""
