"""Named probes of AWS's behaviour, one module for each service."""
