# The safe-rollout story of Azure's documentation, in the lines that its readers type. The test that runs this file
# writes another program's name where `az ml` stands, and changes nothing else. In between stand checks.
set -eu

fail() { echo "FAILED: $*" >&2; exit 1; }
same() { [ "$1" = "$2" ] || fail "$3: '$1' and not '$2'"; }

workspace_info="--resource-group my-group --workspace-name my-workspace"

# <set_endpoint_name>
export ENDPOINT_NAME=endpt-$RANDOM
# </set_endpoint_name>

az ml online-endpoint show -n $ENDPOINT_NAME -o none && fail "it is there before it was made" || same $? 3 "exit code"

# <create_endpoint>
az ml online-endpoint create --name $ENDPOINT_NAME -f endpoint.yml $workspace_info
# </create_endpoint>

endpoint_status=`az ml online-endpoint show --name $ENDPOINT_NAME --query "provisioning_state" -o tsv`
if [[ $endpoint_status == "Succeeded" ]]
then
  echo "Endpoint created successfully"
else
  fail "endpoint is $endpoint_status"
fi

# <create_blue>
az ml online-deployment create --name blue --endpoint $ENDPOINT_NAME -f blue-deployment.yml --all-traffic || {
    fail "blue was not created"
}
# </create_blue>

deploy_status=`az ml online-deployment show --name blue --endpoint $ENDPOINT_NAME --query "provisioning_state" -o tsv`
same "$deploy_status" Succeeded "state of blue"

# <test_blue>
az ml online-endpoint invoke --name $ENDPOINT_NAME --request-file model-1/sample-request.json
# </test_blue>
same "$(az ml online-endpoint invoke -n $ENDPOINT_NAME -r model-1/sample-request.json -o tsv)" '{"version": 1, "sum": 6}' blue

az ml online-deployment create --name blue --endpoint $ENDPOINT_NAME -f blue-deployment.yml 2>&1 | grep ERROR ||
    fail "blue was created twice"

# <scale_blue>
az ml online-deployment update --name blue --endpoint $ENDPOINT_NAME --set instance_count=2
# </scale_blue>
same "$(az ml online-deployment show -n blue -e $ENDPOINT_NAME --query instance_count -o tsv)" 2 "instances of blue"

# <create_green>
az ml online-deployment create --name green --endpoint $ENDPOINT_NAME -f green-deployment.yml
# </create_green>

# <get_traffic>
az ml online-endpoint show -n $ENDPOINT_NAME --query traffic
# </get_traffic>
same "$(az ml online-endpoint show -n $ENDPOINT_NAME --query 'traffic.[blue, green]' -o tsv | xargs)" "100 0" traffic

# <test_green>
az ml online-endpoint invoke --name $ENDPOINT_NAME --deployment-name green --request-file model-2/sample-request.json
# </test_green>
green=$(az ml online-endpoint invoke -n $ENDPOINT_NAME --deployment green -r model-2/sample-request.json -o tsv)
same "$green" '{"version": 2, "sum": 6}' green

# <test_green_using_curl>
ENDPOINT_KEY=$(az ml online-endpoint get-credentials -n $ENDPOINT_NAME -o tsv --query primaryKey)

SCORING_URI=$(az ml online-endpoint show -n $ENDPOINT_NAME -o tsv --query scoring_uri)

same "$(request "$SCORING_URI" "Authorization: Bearer $ENDPOINT_KEY" "azureml-model-deployment: green")" "$green" curl
# </test_green_using_curl>

# <test_green_with_mirror_traffic>
az ml online-endpoint update --name $ENDPOINT_NAME --mirror-traffic "green=10"

for i in {1..60}; do
    same "$(request "$SCORING_URI" "Authorization: Bearer $ENDPOINT_KEY")" '{"version": 1, "sum": 6}' "live while mirrored"
done
for i in {1..50}; do
    az ml online-deployment get-logs --name green --endpoint $ENDPOINT_NAME --lines 200 > green.log
    [ "$(grep -c 'POST /score 200' green.log)" -gt 3 ] && break
    [ $i -lt 50 ] || fail "no copy has come to green"
done

az ml online-endpoint update --name $ENDPOINT_NAME --mirror-traffic "green=0"
# </test_green_with_mirror_traffic>

# <green_10pct_traffic>
az ml online-endpoint update --name $ENDPOINT_NAME --traffic "blue=90 green=10"
# </green_10pct_traffic>

for i in {1..200}; do request "$SCORING_URI" "Authorization: Bearer $ENDPOINT_KEY"; echo; done > answers
green_share=$(grep -c '"version": 2' answers)
echo "green answered $green_share of 200"
same "$(grep -c '"version"' answers)" 200 "answers"
[ $green_share -ge 5 ] && [ $green_share -le 45 ] || fail "10 percent of 200 are not $green_share"

az ml online-deployment delete --name blue --endpoint $ENDPOINT_NAME --yes && fail "blue had traffic and was deleted"

# <green_100pct_traffic>
az ml online-endpoint update --name $ENDPOINT_NAME --traffic "blue=0 green=100"
# </green_100pct_traffic>

for i in {1..20}; do
    same "$(request "$SCORING_URI" "Authorization: Bearer $ENDPOINT_KEY")" '{"version": 2, "sum": 6}' "all to green"
done

# <delete_blue>
az ml online-deployment delete --name blue --endpoint $ENDPOINT_NAME --yes --no-wait
# </delete_blue>
same "$(az ml online-deployment list --endpoint-name $ENDPOINT_NAME --query "[].name" -o tsv)" green "what is left"

# <delete_endpoint>
az ml online-endpoint delete --name $ENDPOINT_NAME --yes --no-wait
# </delete_endpoint>
az ml online-endpoint show -n $ENDPOINT_NAME -o none && fail "it is there after it was deleted" || same $? 3 "exit code"
echo "The story is told."
