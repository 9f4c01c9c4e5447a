"""What there is, as frozen values, and the rules that hold for it: no files, no network, no clock, nothing of ours."""
