"""Reads metrics from standard input with Prometheus's own client library; prints family names and the number of samples."""
import json
import sys

if sys.argv[1] == "openmetrics":
    from prometheus_client.openmetrics.parser import text_string_to_metric_families
else:
    from prometheus_client.parser import text_string_to_metric_families

families = list(text_string_to_metric_families(sys.stdin.read()))
print(json.dumps({"names": [f.name for f in families], "samples": sum(len(f.samples) for f in families)}))
