"""Prints the names of IAM's operations, as the service model of the installed botocore has them.

To refresh the list after raising botocore in `requirements.txt`, with the Python that the tests installed:

    target/matching/bin/python tests/matching/iam_operations.py > src/pattern/iam_operations.txt
"""

import time

import botocore
import botocore.session

model = botocore.session.get_session().get_service_model("iam")
print(f"# The operations of IAM, from the service model in botocore {botocore.__version__}, on {time.strftime('%Y-%m-%d')}.")
print("\n".join(sorted(model.operation_names)))
